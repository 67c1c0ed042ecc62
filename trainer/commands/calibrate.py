"""`python -m trainer calibrate`."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from trainer.commands.data import ClassesFile, Data, chosen_classes
from trainer.commands.reported import reported
from trainer.commands.train import Threads, set_threads
from trainer.data import Classes, Photos, SplitBy, default_classes, digest_of, read_photos
from trainer.learnt import write_learnt
from trainer.origin import VOUCHED, Facts
from trainer.publish import described, put_in_place, require_out
from trainer.recipe import Recipe, invalid_recipe
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.delta import whole_folder
from wallscan.models.files import CURVES, LEARNT, check_files
from wallscan.models.manifest import QUANTISED, Manifest, bundle_digest

_MADE_ANEW = {
    *("files", "metrics", "families", "precisions"),
    *("default_presence", "default_threshold", "presence_by"),
}
"""What hangs on gates and thresholds: masks, and so what they were measured to be worth, change with them."""
UNTOLD = "The bundle does not tell which photos its training held out: make sure that these are those."


def calibrate(
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A bundle's folder.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the calibrated bundle.")],
    split: Annotated[
        SplitBy | None, typer.Option(help="How its training split photos.", show_default="as in its training")
    ] = None,
    classes: ClassesFile = None,
    share: Annotated[
        float | None,
        typer.Option(
            help="Share to hold out of photos that you know it never learnt from.",
            show_default="as in its training, and those held out must be the same",
        ),
    ] = None,
    threads: Threads = 1,
) -> None:
    """Fit gates, thresholds and probabilities of a bundle anew, on photos that its training held out.

    Give it the data that it was trained with: its manifest tells the split and the photos held out. Without
    --classes it goes by the phrasings that it has.
    """
    console = Console(stderr=True)
    set_threads(threads)
    with reported(console):
        manifest = check_files(model)
        recipe = _recipe(manifest, share)
        by, words = split or _split(manifest), _classes(classes, manifest)
        photos, _ = read_photos(data, recipe.held_out_share, recipe.seed, by, words)
        if not photos.held_out:
            raise TrainingError(Code.TRAINING_PHOTOS_MISSING, "no annotated photo is held out")
        if manifest.held_out_digest is not None and share is None:
            require_held_out(manifest, photos)
        elif share is None:
            console.print(UNTOLD, soft_wrap=True)
        calibrated = calibrated_bundle(model, manifest, out, recipe, photos, vouched=share is not None)
    for family in calibrated.families:
        told = "not fitted, too few photos" if family.threshold is None else f"{family.threshold:.2f}"
        print(f"{family.name}: gate {family.presence:.2f}, threshold {told}")
    print(f"{bundle_digest(calibrated)} in {out}")
    if manifest.precisions:
        print("Exact from now on: what `python -m trainer precision` admitted was judged by the old gates.")


def calibrated_bundle(
    model: Path, manifest: Manifest, out: Path, recipe: Recipe, photos: Photos, *, vouched: bool
) -> Manifest:
    """A copy of the bundle in `out` with all that is fitted and measured made anew; the weights stay.

    `vouched`: that the photos are none that the model learnt from is somebody's word, and the bundle says so.
    Raises BundleError, and TrainingError `output_taken`.
    """
    whole = whole_folder(model)
    require_out(out, *([] if manifest.delta_of is None else [whole]))
    facts = manifest.model_dump(exclude=_MADE_ANEW)
    facts["data"] = [line for line in manifest.data if not line.startswith(VOUCHED)]
    if vouched:
        told = f"{VOUCHED}: {len(photos.held_out)}, SHA-256 {digest_of(photos.held_out)}"
        facts["data"].append(told)
    origin = Facts(manifest.base, manifest.licence, manifest.attribution, manifest.delta_of)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".calibrating-") as scratch:
        built = Path(scratch, "bundle")
        shutil.copytree(model, built)
        if not (built / LEARNT).exists() and manifest.data_digest == photos.digest():
            write_learnt(photos, None, built)  # the bundle is from before there was such a list
        for name in QUANTISED:  # admitted for masks that are made by the old gates
            (built / name).unlink(missing_ok=True)
        if manifest.delta_of is not None:
            Path(scratch, manifest.delta_of.digest).symlink_to(whole.resolve())
        calibrated = described(built, facts, recipe, photos, origin, model / CURVES)
        put_in_place(built, out)
    return calibrated


def require_held_out(manifest: Manifest, photos: Photos) -> None:
    """Raises TrainingError `held_out_differs` where the bundle's training held out other photos."""
    if digest_of(photos.held_out) != manifest.held_out_digest:
        raise TrainingError(
            Code.HELD_OUT_DIFFERS,
            f"the split {photos.split!r} holds out {len(photos.held_out)} photos; they, or what is annotated "
            f"on them, are not what the model's training held out (split {manifest.split!r}): give --data, "
            "--split and --classes of then, or say with --share how many to hold out of photos it never saw",
        )


def _split(manifest: Manifest) -> SplitBy:
    """The split that the bundle was trained by, or the default where it tells none that is known."""
    return SplitBy(manifest.split) if manifest.split in list(SplitBy) else SplitBy.OFFICIAL


def _classes(file: Path | None, manifest: Manifest) -> Classes:
    """Those of the file; without one the bundle keeps its families and phrasings.

    Raises TrainingError `classes_invalid`.
    """
    if file is not None or not manifest.families:
        return chosen_classes(file)
    return default_classes().in_words({family.name: family.phrases for family in manifest.families})


def _recipe(manifest: Manifest, share: float | None) -> Recipe:
    """The recipe that a bundle says it was made by. Raises TrainingError `recipe_invalid`."""
    try:
        given = {} if share is None else {"held_out_share": share}
        return Recipe.model_validate({**manifest.recipe, **given})
    except ValidationError as error:
        raise invalid_recipe(error) from error
