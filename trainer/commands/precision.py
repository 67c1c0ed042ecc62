"""`python -m trainer precision`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trainer.commands.evaluate import read_samples
from trainer.commands.train import Data, Threads, set_threads
from trainer.data import Sample
from trainer.precision import precision_check
from wallscan.domain.errors import WallscanError
from wallscan.models.files import check_files, write_manifest
from wallscan.models.manifest import FastPrecision, PrecisionCheck, bundle_digest
from wallscan.segment.engine import EngineSettings
from wallscan.segment.openvino_graphs import open_openvino
from wallscan.segment.openvino_runtime import has_bf16, ov

FAST: FastPrecision = "bf16"


def precision(
    model: Annotated[Path, typer.Option(help="A bundle's folder; its manifest is written anew.")],
    data: Data,
    split: Annotated[str, typer.Option(help="Name of the split's folders.")] = "valid",
    threads: Threads = 1,
) -> None:
    """Admit bf16 for a bundle, where it loses next to nothing on annotated photos, or refuse it.

    Whatever comes out is written into the manifest, which makes the bundle a new version. Masks are
    compared with those of float32, on a processor that multiplies in bf16 itself.
    """
    console = Console(stderr=True)
    set_threads(threads)
    if not has_bf16(ov.Core()):
        console.print("This processor does not multiply in bf16 itself: nothing can be measured here.")
        raise typer.Exit(2)
    try:
        check = _measured(model, read_samples(data, split, console), threads)
        facts = check_files(model).model_dump(mode="json", exclude={"files"})
        manifest = write_manifest(model, facts | {"precisions": {FAST: check.model_dump()}})
    except WallscanError as error:
        console.print(f"{error.detail} [{error.code}]", markup=False, style="red")
        raise typer.Exit(2) from error
    said = "admitted" if check.admitted else "refused: the bundle stays exact"
    print(f"{FAST} {said}: mean IoU {-check.mean_iou_drop:+.4f}, coverage {check.coverage_change:+.2%}")
    print(f"{manifest.name} is now {bundle_digest(manifest)}")


def _measured(model: Path, samples: list[Sample], threads: int) -> PrecisionCheck:
    with tempfile.TemporaryDirectory() as cache:
        settings = EngineSettings(Path(cache), "openvino", threads=threads)
        fast = open_openvino(model, settings, FAST)
        return precision_check(fast, open_openvino(model, settings, "f32"), samples)
