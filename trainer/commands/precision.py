"""`python -m trainer precision`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trainer.commands.data import By, Data
from trainer.commands.reported import reported
from trainer.commands.train import Threads, set_threads
from trainer.data import Sample, SplitBy, parts, read_samples
from trainer.precision import precision_check
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.files import check_files, write_manifest
from wallscan.models.manifest import FastPrecision, PrecisionCheck, bundle_digest
from wallscan.segment.engine import EngineSettings
from wallscan.segment.openvino_graphs import open_openvino
from wallscan.segment.openvino_runtime import has_bf16

FAST: FastPrecision = "bf16"


def precision(
    model: Annotated[Path, typer.Option(help="A bundle's folder; its manifest is written anew.")],
    data: Data,
    split: By = SplitBy.OFFICIAL,
    part: Annotated[str, typer.Option(help="The part of the split to compare on.")] = "valid",
    threads: Threads = 1,
) -> None:
    """Admit bf16 for a bundle, where it loses next to nothing on annotated photos, or refuse it.

    Whatever comes out is written into the manifest, which makes the bundle a new version. Masks are
    compared with those of float32, on a processor that multiplies in bf16 itself.
    """
    console = Console(stderr=True)
    set_threads(threads)
    if not has_bf16():
        console.print("This processor does not multiply in bf16 itself: nothing can be measured here.")
        raise typer.Exit(2)
    with reported(console):
        samples, _ = read_samples(data)
        judges = parts(samples, split).get(part, [])
        if not judges:
            raise TrainingError(Code.FOLDER_WITHOUT_PHOTOS, f"no annotated photo in the part {part!r}")
        check = _measured(model, judges, threads)
        facts = check_files(model).model_dump(mode="json", exclude={"files"})
        manifest = write_manifest(model, facts | {"precisions": {FAST: check.model_dump()}})
    said = "admitted" if check.admitted else "refused: the bundle stays exact"
    print(f"{FAST} {said}: mean IoU {-check.mean_iou_drop:+.4f}, coverage {check.coverage_change:+.2%}")
    print(f"{manifest.name} is now {bundle_digest(manifest)}")


def _measured(model: Path, samples: list[Sample], threads: int) -> PrecisionCheck:
    with tempfile.TemporaryDirectory() as cache:
        settings = EngineSettings(Path(cache), "openvino", threads=threads)
        fast = open_openvino(model, settings, FAST)
        return precision_check(fast, open_openvino(model, settings, "f32"), samples)
