"""`python -m trainer precision`."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from trainer.commands.data import By, Data
from trainer.commands.reported import reported
from trainer.commands.train import Threads, set_threads
from trainer.data import Sample, SplitBy, parts, read_samples
from trainer.precision import checked_precisions
from trainer.publish import put_in_place
from trainer.quantise import quantise
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.delta import whole_folder
from wallscan.models.files import check_files, write_manifest
from wallscan.models.manifest import QUANTISED, FastPrecision, Manifest, bundle_digest
from wallscan.segment.engine import EngineSettings
from wallscan.segment.openvino_graphs import open_openvino
from wallscan.segment.openvino_runtime import has_bf16


def precision(
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A bundle's folder, made anew.")],
    data: Data,
    split: By = SplitBy.OFFICIAL,
    part: Annotated[str, typer.Option(help="The part of the split to compare on.")] = "valid",
    threads: Threads = 1,
) -> None:
    """Admit bf16 and int8 for a bundle, where they lose next to nothing on annotated photos, or refuse them.

    For int8 the graphs in 8 bits are made from photos of the split's other parts, and added to the bundle if
    they are admitted. The outcome is written into the manifest, which makes the bundle a new version. Masks
    are compared with those of float32, on a processor that multiplies in bf16 itself.
    """
    console = Console(stderr=True)
    set_threads(threads)
    if not has_bf16():
        console.print("This processor does not multiply in bf16 itself: nothing can be measured here.")
        raise typer.Exit(2)
    with reported(console):
        samples, _ = read_samples(data)
        split_parts = dict(parts(samples, split))
        judges = split_parts.pop(part, [])
        if not judges:
            raise TrainingError(Code.FOLDER_WITHOUT_PHOTOS, f"no annotated photo in the part {part!r}")
        others = [sample for rest in split_parts.values() for sample in rest]
        if not others:
            console.print("No photo outside that part to make 8 bits from: only bf16 is tried.")
        manifest = checked_bundle(model, judges, others, threads, console)
    for name, check in (manifest.precisions or {}).items():
        said = "admitted" if check.admitted else "refused"
        print(f"{name} {said}: mean IoU {-check.mean_iou_drop:+.4f}, coverage {check.coverage_change:+.2%}")
    print(f"{manifest.name} is now {bundle_digest(manifest)}")


def checked_bundle(
    model: Path, judges: Sequence[Sample], others: Sequence[Sample], threads: int, console: Console
) -> Manifest:
    """Replace the bundle in `model` by one that says which precisions it admits; int8 is made of `others`.

    Raises BundleError, and TrainingError `benchmark_unusable`.
    """
    facts = check_files(model).model_dump(mode="json", exclude={"files", "precisions"})
    tried: list[FastPrecision] = ["bf16", "int8"] if others else ["bf16"]
    with tempfile.TemporaryDirectory(dir=model.resolve().parent, prefix=".checking-") as scratch:
        built = Path(scratch, "bundle")
        shutil.copytree(model, built)
        if facts["delta_of"] is not None:
            Path(scratch, facts["delta_of"]["digest"]).symlink_to(whole_folder(model).resolve())
        for name in QUANTISED:
            (built / name).unlink(missing_ok=True)
        if others:
            with console.status("Making 8 bits of float32 ..."):
                quantise(built, [sample.image for sample in others])
        write_manifest(built, facts)
        settings = EngineSettings(Path(scratch, "cache"), "openvino", threads=threads)
        checks = checked_precisions(
            lambda each: open_openvino(built, settings, each),
            tried,
            judges,
            lambda photos, each: track(photos, f"Judge {each}", console=console),
        )
        if "int8" in checks and not checks["int8"].admitted:
            for name in QUANTISED:
                (built / name).unlink()
        precisions = {name: check.model_dump() for name, check in checks.items()}
        manifest = write_manifest(built, facts | {"precisions": precisions})
        put_in_place(built, model.resolve())
    return manifest
