"""From a recipe and photos to a published bundle: what the command and the service both call."""

from pathlib import Path

from transformers import CLIPTokenizer

from trainer.data import Photos
from trainer.publish import publish
from trainer.recipe import Recipe
from trainer.train import train
from trainer.watch import Watcher
from wallscan.models.manifest import Manifest
from wallscan.models.starter import starter_bundle


class TrainingCancelled(Exception):  # noqa: N818 - asked for, so no error
    """Raised when a run was cancelled before it had anything to publish. Its checkpoint is kept."""


def fit(
    recipe: Recipe,
    data: Photos,
    work: Path,
    out: Path,
    name: str,
    base: Path | None,
    watcher: Watcher,
) -> Manifest:
    """Train in `work`, or on from its checkpoint, then calibrate, evaluate and write the bundle to `out`.

    `base` is the folder of the model to start from, None for `scratch`. Cancelled, it publishes the best
    checkpoint so far. Raises TrainingCancelled when there is none, BundleError where `base` cannot be used.
    """
    tokenizer = CLIPTokenizer.from_pretrained(base or starter_bundle())
    model = train(data.train, recipe, tokenizer, work)
    watcher.saved(work)
    return publish(model, tokenizer, recipe, data, out, name)
