"""`python -m trainer calibrate`."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from trainer.commands.data import By, ClassesFile, Data, chosen_classes
from trainer.commands.reported import reported
from trainer.commands.train import Threads, set_threads
from trainer.data import Photos, SplitBy, read_photos
from trainer.origin import Facts
from trainer.publish import described, put_in_place, require_out
from trainer.recipe import Recipe, invalid_recipe
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.delta import whole_folder
from wallscan.models.files import CURVES, check_files
from wallscan.models.manifest import QUANTISED, Manifest, bundle_digest

_MADE_ANEW = {"files", "metrics", "families", "default_presence", "default_threshold", "precisions"}
"""What hangs on gates and thresholds: masks, and so what they were measured to be worth, change with them."""


def calibrate(
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A bundle's folder.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the calibrated bundle.")],
    split: By = SplitBy.OFFICIAL,
    classes: ClassesFile = None,
    share: Annotated[
        float | None, typer.Option(help="Share that was held out.", show_default="as in its training")
    ] = None,
    threads: Threads = 1,
) -> None:
    """Fit gates, thresholds and probabilities of a bundle anew, on photos that its training held out.

    Give it the data and the split that it was trained with: its recipe tells the photos held out.
    """
    console = Console(stderr=True)
    set_threads(threads)
    with reported(console):
        manifest = check_files(model)
        recipe = _recipe(manifest, share)
        photos, _ = read_photos(data, recipe.held_out_share, recipe.seed, split, chosen_classes(classes))
        if not photos.held_out:
            raise TrainingError(Code.TRAINING_PHOTOS_MISSING, "no annotated photo is held out")
        calibrated = calibrated_bundle(model, manifest, out, recipe, photos)
    for family in calibrated.families:
        told = "not fitted, too few photos" if family.threshold is None else f"{family.threshold:.2f}"
        print(f"{family.name}: gate {family.presence:.2f}, threshold {told}")
    print(f"{bundle_digest(calibrated)} in {out}")
    if manifest.precisions:
        print("Exact from now on: what `python -m trainer precision` admitted was judged by the old gates.")


def calibrated_bundle(model: Path, manifest: Manifest, out: Path, recipe: Recipe, photos: Photos) -> Manifest:
    """A copy of the bundle in `out` with all that is fitted and measured made anew; the weights stay.

    Raises BundleError, and TrainingError `output_taken`.
    """
    require_out(out)
    facts = manifest.model_dump(exclude=_MADE_ANEW)
    origin = Facts(manifest.base, manifest.licence, manifest.attribution, manifest.delta_of)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".calibrating-") as scratch:
        built = Path(scratch, "bundle")
        shutil.copytree(model, built)
        for name in QUANTISED:  # admitted for masks that are made by the old gates
            (built / name).unlink(missing_ok=True)
        if manifest.delta_of is not None:
            Path(scratch, manifest.delta_of.digest).symlink_to(whole_folder(model).resolve())
        calibrated = described(built, facts, recipe, photos, origin, model / CURVES)
        put_in_place(built, out)
    return calibrated


def _recipe(manifest: Manifest, share: float | None) -> Recipe:
    """The recipe that a bundle says it was made by. Raises TrainingError `recipe_invalid`."""
    try:
        given = {} if share is None else {"held_out_share": share}
        return Recipe.model_validate({**manifest.recipe, **given})
    except ValidationError as error:
        raise invalid_recipe(error) from error
