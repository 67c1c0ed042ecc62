"""Training frames with their prompts, drawn from photos and rendered walls."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer import augment
from trainer.dataset import Sample, load_rgb
from trainer.phrases import FAMILIES, right_phrase, wrong_phrase
from trainer.recipe import Recipe, Stage
from trainer.render import render

Image = NDArray[np.uint8]
SOURCE_FAMILIES = {
    "crack": "crack",
    "drywall_joint": "drywall joint",
    "rendered_crack": "crack",
    "rendered_joint": "drywall joint",
    "rendered_clean": None,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """pixels (B, S, S, 3) uint8; truth (B, P, S, S) float32 in [0, 1]; prompts B x P; corner in 0..1."""

    pixels: Image
    truth: NDArray[np.float32]
    prompts: tuple[tuple[str, ...], ...]
    corner: tuple[float, float]


class Frames:
    """Draws batches. Photos are decoded once and kept: about 1.6 MB each."""

    def __init__(self, samples: Sequence[Sample], recipe: Recipe, words: Sequence[str]) -> None:
        self._recipe = recipe
        self._words = words
        self._by_family = {f: [s for s in samples if f in s.families] for f in FAMILIES}
        self._decoded: dict[str, tuple[Image, Image]] = {}

    def draw(self, stage: Stage, rng: random.Random) -> Batch:
        """One batch; the same generator state gives the same batch."""
        frames = [self._frame(stage, rng) for _ in range(stage.batch)]
        return Batch(
            np.stack([image for image, _, _ in frames]),
            np.stack([truth for _, truth, _ in frames]),
            tuple(prompts for _, _, prompts in frames),
            (rng.random(), rng.random()),
        )

    def _frame(self, stage: Stage, rng: random.Random) -> tuple[Image, NDArray[np.float32], tuple[str, str]]:
        weights = stage.sources.model_dump()
        source = rng.choices(list(weights), list(weights.values()))[0]
        family = SOURCE_FAMILIES[source]
        if family is None or source.startswith("rendered"):
            image, mask = render(family, stage.size, rng, stage.furniture_share)
        else:
            image, mask = self._photo(family, stage, rng)
        image, mask = augment.flip_and_turn(augment.change_looks(image, rng), mask, rng)
        truth = mask.astype(np.float32) / 255
        if family is None:
            prompts = (right_phrase("crack", rng), right_phrase("drywall joint", rng))
            truth = np.zeros_like(truth)
        else:
            prompts = (right_phrase(family, rng), wrong_phrase((family,), self._words, rng))
        return image, np.stack([truth, np.zeros_like(truth)]), prompts

    def _photo(self, family: str, stage: Stage, rng: random.Random) -> tuple[Image, Image]:
        if family == "crack" and rng.random() < self._recipe.mosaic_share:
            return augment.mosaic([self._crop(family, stage, rng) for _ in range(4)], stage.size)
        return self._crop(family, stage, rng)

    def _crop(self, family: str, stage: Stage, rng: random.Random) -> tuple[Image, Image]:
        sample = rng.choice(self._by_family[family])
        key = str(sample.image)
        if key not in self._decoded:
            image = load_rgb(sample.image)
            self._decoded[key] = image, sample.truth(family, *image.shape[:2])
        return augment.random_crop(*self._decoded[key], stage.size, stage.zoom, rng)
