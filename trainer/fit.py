"""From a recipe and photos to a published bundle: what the command and the service both call."""

import json
import os
from pathlib import Path

from accelerate import PartialState

from trainer.data import Photos
from trainer.lora import merge_lora
from trainer.network import open_network
from trainer.origin import Origin
from trainer.publish import NOTHING_TOLD, publish, require_out
from trainer.recipe import Recipe
from trainer.settle import settled
from trainer.train import train
from trainer.watch import TrainingCancelled, Watcher
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.files import CURVES, DECODER, WEIGHTS, describe, read_manifest
from wallscan.models.manifest import Manifest

CLAIM = "run.json"


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
) -> Manifest:
    """Train in `work`, or on from its checkpoint, then calibrate, evaluate and write the bundle to `out`.

    `base` is the folder of the model to start from; only `scratch` can do without. `processes`: see `train`;
    `origin`: what the manifest says beside what the files tell.
    Cancelled, it publishes the best checkpoint so far. Raises TrainingCancelled when there is none,
    TrainingError (see `train`, `settled`, `publish`), BundleError where `base` cannot be used.
    """
    if base is None and recipe.kind != "scratch":
        raise TrainingError(Code.RECIPE_INVALID, f"the recipe {recipe.kind!r} needs a base model")
    require_out(out)
    network = open_network(recipe, base)
    recipe = settled(recipe, data, network.spec)
    claim(work, recipe, base)
    progress = train(recipe, network, data, work, watcher, processes)
    if not progress.ended(recipe) and progress.best is None:
        raise TrainingCancelled
    if recipe.patience is not None or not progress.ended(recipe):
        progress.restore_best(work)
    else:
        progress.keep_average()
    state = PartialState()
    if state.is_main_process:
        merge_lora(network.clipseg)
        clipseg = network.clipseg.eval().cpu()
        publish(clipseg, network.tokenizer, recipe, data, out, name, base, origin, work / CURVES)
    state.wait_for_everyone()
    return read_manifest(out)


def _weights(base: Path) -> Path:
    return base / (WEIGHTS if (base / WEIGHTS).is_file() else DECODER)


def claim(work: Path, recipe: Recipe, base: Path | None) -> None:
    """Write down whose folder this is. Raises TrainingError `work_folder_taken` when it is another run's."""
    weights = None if base is None else describe(_weights(base)).sha256
    values = recipe.model_dump(mode="json")
    mine = {"recipe": values, "base": weights}
    path = work / CLAIM
    if not path.is_file():
        work.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{CLAIM}.{os.getpid()}")
        temporary.write_text(json.dumps(mine, indent=2), encoding="utf-8")
        temporary.replace(path)
        return
    other = json.loads(path.read_bytes())
    if other != mine:
        differing = sorted(key for key, value in values.items() if other["recipe"].get(key) != value)
        what = ", ".join(differing) or "base"
        raise TrainingError(Code.WORK_FOLDER_TAKEN, f"{work} holds another run: {what} differ")
