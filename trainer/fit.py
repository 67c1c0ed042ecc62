"""From a recipe and photos to a published bundle: what the command and the service both call."""

import dataclasses
import logging
from contextlib import nullcontext
from pathlib import Path

from trainer.checkpoint import BEST, LAST, Progress
from trainer.claim import claim, claimed
from trainer.data import Photos
from trainer.lora import merge_lora
from trainer.network import open_network
from trainer.origin import Origin, learnt_before
from trainer.processes import this_process
from trainer.publish import NOTHING_TOLD, based_on, publish, require_name, require_out
from trainer.recipe import Recipe
from trainer.settle import settled
from trainer.train import train
from trainer.watch import TrainingCancelled, Watcher
from trainer.workspace import alone_in
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.files import CURVES, read_manifest
from wallscan.models.manifest import Manifest

_log = logging.getLogger(__name__)


def fit(
    recipe: Recipe,
    data: Photos,
    work: Path,
    out: Path,
    name: str,
    base: Path | None,
    watcher: Watcher,
    processes: int = 0,
    origin: Origin = NOTHING_TOLD,
    activations: Path | None = None,
) -> Manifest:
    """Train in `work`, or on from its checkpoint, then calibrate, evaluate and write the bundle to `out`.

    `base` is the folder of the model to start from; only `scratch` can do without. `processes` and
    `activations`: see `train`; `origin`: what the manifest says beside what the files tell.
    Cancelled, it publishes the best checkpoint so far. Raises TrainingCancelled when there is none,
    TrainingError (see `train`, `settled`, `alone_in`, `claim`, `publish`), BundleError where `base` or `name`
    cannot be used.
    """
    require_base(recipe, base)
    require_name(name)
    require_out(out, work, *based_on(base))
    network = open_network(recipe, base)
    recipe = settled(recipe, data, network.spec)
    state = this_process()
    if state.is_main_process and (doubt := learnt_before(base, data)):
        _log.warning("The base brings %s, so that gates and figures may be too good", *doubt)
    with alone_in(work) if state.is_main_process else nullcontext():
        with state.main_process_first():
            recipe = claim(work, recipe, data, base, state.device)
        progress = train(recipe, network, data, work, watcher, processes, activations)
        if not progress.ended(recipe) and progress.best is None:
            raise TrainingCancelled
        best = recipe.patience is not None or not progress.ended(recipe)
        if state.is_main_process:
            watcher.publishing()
            publish_weights(progress, recipe, data, work, out, name, base, origin, best=best)
        state.wait_for_everyone()
    return read_manifest(out)


def require_base(recipe: Recipe, base: Path | None) -> None:
    """Raises TrainingError `recipe_invalid` where the recipe starts from a model and there is none."""
    if base is None and recipe.kind != "scratch":
        raise TrainingError(Code.RECIPE_INVALID, f"the recipe {recipe.kind!r} needs a base model")


def left_off(work: Path, data: Photos, base: Path | None) -> tuple[Recipe, Progress]:
    """A run in `work` as its latest checkpoint has it, with its recipe. It takes no further step.

    Raises TrainingError: `checkpoint_missing` where there is none, and see `claimed`.
    """
    if not (work / LAST).is_file():
        raise TrainingError(Code.CHECKPOINT_MISSING, f"{work} holds no checkpoint")
    recipe = claimed(work, data, base)
    progress = dataclasses.replace(Progress.begin(open_network(recipe, base), recipe), optimizers=[])
    progress.restore(work)
    return recipe, progress


def publish_weights(
    progress: Progress,
    recipe: Recipe,
    data: Photos,
    work: Path,
    out: Path,
    name: str,
    base: Path | None,
    origin: Origin = NOTHING_TOLD,
    *,
    best: bool,
) -> Manifest:
    """Calibrate, evaluate and write the bundle of a run's averaged weights, or of those of its best epoch.

    The progress is of no use afterwards. Raises TrainingError `checkpoint_missing` where no epoch has ended,
    and see `publish`.
    """
    if best and not (work / BEST).is_file():
        raise TrainingError(Code.CHECKPOINT_MISSING, f"{work} holds no best epoch: none has ended")
    if best:
        progress.restore_best(work)
    else:
        progress.keep_average()
    network = progress.network
    merge_lora(network.clipseg)
    clipseg = network.clipseg.eval().cpu()
    return publish(clipseg, network.tokenizer, recipe, data, out, name, base, origin, work / CURVES)
