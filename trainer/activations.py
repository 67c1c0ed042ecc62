"""The `cached` recipe's batches: the frozen encoder sees every frame once, and all epochs read what it made.

Augmentation remains, for photos take turns, so that each is in several frames; and whenever a frame is used,
it is asked in other words. The states are kept in half precision: the residual stream of a CLIP stays far
inside its range. Nothing that only says how to learn from them is in the name they are kept under, so that
runs can share them.
"""

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch.utils.data import Dataset

import wallscan
from trainer.batches import Batch, Frames, batches
from trainer.data import Photos
from trainer.held_out import HeldOut
from trainer.network import Network
from trainer.phrases import FAMILIES
from trainer.recipe import Recipe
from trainer.store import Store
from trainer.watch import TrainingCancelled, Watcher

FOLDER = "activations"
PHASE = "Cache"
CHUNK = 8
ROWS = ("states", "truths", "known")
"""What is kept of each frame; a store with other rows has another key."""
DRAWN = "in turns, spoilt"
"""How photos come to frames; a store that drew them otherwise has another key."""
SHAPING = (
    "seed", "variants", "image_size", "image_mean", "image_std",
    "mosaic_share", "turn_share", "anywhere_share",
)  # fmt: skip
"""The values of a recipe that frames and their states depend on, beside those of its stage."""
STAGE_SHAPING = ("size", "zoom", "furniture_share", "sources")
ENCODER_SHAPING = ("patch_size", "num_attention_heads", "hidden_act", "layer_norm_eps")
"""What an encoder's weights do not tell of it."""

Pixels = NDArray[np.uint8]


class CachedBatches(Dataset[Batch]):
    """Batches whose images are rows of a store of hidden states and truths."""

    def __init__(self, store: Store, frames: Frames, recipe: Recipe) -> None:
        self._store, self._frames, self._recipe = store, frames, recipe

    def __getitem__(self, number: int) -> Batch:
        rng = random.Random(f"{self._recipe.seed}/cached/{number}")
        size = self._recipe.stage_at(number // self._recipe.accumulate).batch
        rows = [rng.randrange(self._store.count) for _ in range(size)]
        states, masks = self._store.rows["states"].array, self._store.rows["truths"].array
        known = self._store.rows["known"].array
        asked = [self._frames.ask(masks[row], known[row], rng) for row in rows]
        return Batch(
            np.stack([states[row] for row in rows], axis=1),
            np.stack([truth for truth, _ in asked]),
            tuple(prompts for _, prompts in asked),
            (0.0, 0.0),
        )


class _Scenes(Dataset[tuple[Pixels, Pixels, NDArray[np.bool_]]]):
    """Chunks of frames with the truths of all families and which are known, numbered from 0."""

    def __init__(self, frames: Frames, count: int) -> None:
        self._frames, self._count = frames, count

    def __getitem__(self, chunk: int) -> tuple[Pixels, Pixels, NDArray[np.bool_]]:
        numbers = range(chunk * CHUNK, min((chunk + 1) * CHUNK, self._count))
        images, masks, known = zip(*(self._frames.scene(number) for number in numbers), strict=True)
        return np.stack(images), np.stack(masks), np.stack(known)


def cached_batches(
    recipe: Recipe,
    network: Network,
    frames: Frames,
    folder: Path,
    accelerator: Accelerator,
    watcher: Watcher,
    processes: int,
) -> CachedBatches:
    """Batches from `folder`, whose store is filled first. Raises TrainingCancelled."""
    network.read(frames.few_prompts)  # all at once, so that no step has to
    side, count = recipe.image_size, recipe.variants * len(frames.samples)
    shape = _state_shape(network, side)
    families = len(FAMILIES)
    kinds = ((shape, np.float16), ((families, side, side), np.uint8), ((families,), np.bool_))
    store = Store(folder, count, dict(zip(ROWS, kinds, strict=True)))
    if store.done < count:
        with store.alone(lambda: _tell(watcher, store.done, count)):
            if store.done < count:  # another run may have filled it meanwhile
                _fill(store, network, frames, accelerator, watcher, processes)
    return CachedBatches(store, frames, recipe)


def _fill(
    store: Store,
    network: Network,
    frames: Frames,
    accelerator: Accelerator,
    watcher: Watcher,
    processes: int,
) -> None:
    """Put in the rows that are not there yet."""
    count = store.count
    store.reserve()
    chunks = range(store.done // CHUNK, -(-count // CHUNK))
    for chunk, (images, masks, known) in zip(
        chunks, batches(_Scenes(frames, count), chunks, processes), strict=True
    ):
        states = _encoded(network, images, accelerator)
        store.put(chunk * CHUNK, {"states": states, "truths": masks, "known": known})
        _tell(watcher, chunk * CHUNK + len(images), count)


def cached_held_out(
    recipe: Recipe,
    network: Network,
    held_out: HeldOut,
    folder: Path,
    accelerator: Accelerator,
    watcher: Watcher,
) -> HeldOut:
    """The photos held out with their states. Raises TrainingCancelled."""
    count = len(held_out.samples)
    store = Store(folder, count, {"states": (_state_shape(network, recipe.image_size), np.float16)})
    if store.done < count:
        with store.alone(lambda: _tell(watcher, store.done, count)):
            store.reserve()
            for numbers, pixels, _ in held_out.squares(store.done):
                store.put(numbers.start, {"states": _encoded(network, pixels, accelerator)})
                _tell(watcher, numbers.stop, count)
    return HeldOut(held_out.samples, recipe.image_size, store.rows["states"])


def store_key(recipe: Recipe, network: Network, photos: Photos, precision: str) -> str:
    """A name for the activations: equal where frames, encoder and precision are."""
    clipseg = network.clipseg
    vision = clipseg.config.vision_config.to_dict()
    shaping = {
        "rows": ROWS,
        "drawn": DRAWN,
        "wallscan": wallscan.__version__,
        "precision": precision,
        "recipe": recipe.model_dump(mode="json", include=set(SHAPING)),
        "stage": recipe.stages[0].model_dump(mode="json", include=set(STAGE_SHAPING)),
        "encoder": {name: vision[name] for name in ENCODER_SHAPING},
        "layers": list(clipseg.extract_layers),
    }
    digest = hashlib.sha256(json.dumps(shaping, sort_keys=True).encode())
    for name, value in clipseg.clip.vision_model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    for sample in (*photos.train, *photos.held_out):
        digest.update(sample.digest())
    return digest.hexdigest()[:32]


def _encoded(network: Network, images: Pixels, accelerator: Accelerator) -> NDArray[np.float16]:
    """Hidden states (B, layers, 1 + tokens, width) of images (B, S, S, 3)."""
    with torch.no_grad(), accelerator.autocast():
        states = network.encode(torch.from_numpy(images).to(network.device), (0.0, 0.0))
    stacked: NDArray[np.float16] = torch.stack(states, dim=1).half().cpu().numpy()
    return stacked


def _state_shape(network: Network, side: int) -> tuple[int, int, int]:
    vision = network.clipseg.config.vision_config
    return len(network.clipseg.extract_layers), 1 + (side // vision.patch_size) ** 2, vision.hidden_size


def _tell(watcher: Watcher, done: int, total: int) -> None:
    watcher.prepared(PHASE, done, total)
    if watcher.cancelled():
        raise TrainingCancelled
