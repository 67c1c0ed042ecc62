"""`python -m trainer calibrate`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trainer.calibration.fit import fit_families, fitted_fields, fitted_metrics
from trainer.commands.data import Data
from trainer.commands.train import Threads, set_threads
from trainer.data import Sample, read_photos
from trainer.phrases import FAMILIES
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError, WallscanError
from wallscan.models.files import check_files, write_manifest
from wallscan.models.manifest import Manifest, bundle_digest
from wallscan.segment.bundle import check_bundle


def calibrate(
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A bundle's folder.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the calibrated bundle; it must not exist.")],
    share: Annotated[float, typer.Option(help="Share of the photos that training held out.")] = 0.1,
    seed: Annotated[int, typer.Option(help="The training's seed, which tells the photos held out.")] = 7,
    threads: Threads = 1,
) -> None:
    """Fit gates, thresholds and probabilities of a bundle on photos that its training held out."""
    console = Console(stderr=True)
    set_threads(threads)
    try:
        held_out = _held_out(data, share, seed)
        manifest = calibrated_bundle(model, out, held_out, seed)
    except WallscanError as error:
        console.print(f"{error.detail} [{error.code}]", markup=False, style="red")
        raise typer.Exit(2) from error
    for family in manifest.families:
        told = "not fitted, too few photos" if family.threshold is None else f"{family.threshold:.2f}"
        print(f"{family.name}: gate {family.presence:.2f}, threshold {told}")
    print(f"{bundle_digest(manifest)} in {out}")


def calibrated_bundle(model: Path, out: Path, held_out: list[Sample], seed: int) -> Manifest:
    """A copy of the bundle in `out` with all that `fit_families` fits. The weights stay as they are.

    Raises BundleError, and TrainingError `work_folder_taken`.
    """
    if out.exists():
        raise TrainingError(Code.WORK_FOLDER_TAKEN, f"{out} is there already")
    manifest = check_files(model)
    shutil.copytree(model, out)
    fitted = fit_families(check_bundle(out), held_out, seed)
    phrases = {family.name: family.phrases for family in manifest.families} or FAMILIES
    fields = fitted_fields(fitted, phrases) | {"metrics": manifest.metrics | fitted_metrics(fitted)}
    return write_manifest(out, manifest.model_dump(exclude={"files"}) | fields)


def _held_out(folders: list[Path], share: float, seed: int) -> list[Sample]:
    """Raises TrainingError `training_photos_missing`."""
    photos, _ = read_photos(folders, share, seed)
    if not photos.held_out:
        raise TrainingError(Code.TRAINING_PHOTOS_MISSING, "no annotated photo is held out")
    return list(photos.held_out)
