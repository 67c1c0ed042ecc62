"""What a model in training makes of the photos held out: a loss, an overlap, and pictures to look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from trainer.data import Sample, load_rgb
from trainer.phrases import FAMILIES
from trainer.store import Rows
from wallscan.segment.preprocess import to_square

PROMPTS = tuple(FAMILIES)
BATCH = 4
THRESHOLD = 0.5
PICTURES = 6


class Asked(Protocol):
    """What is judged: a `Network`, or its teacher."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def __call__(self, images: Tensor, prompts: Sequence[Sequence[str]]) -> Tensor:
        """Logits (B, P, s, s) of B rows of P phrases; images as `Network.forward` takes them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo (S, S, 3) uint8 with a family's truth and probability, both (S, S) float32 in 0..1."""

    image: NDArray[np.uint8]
    family: str
    truth: NDArray[np.float32]
    probability: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Mean BCE over all annotated maps, mean foreground IoU over those that show something, some pictures."""

    loss: float
    iou: float
    pictures: tuple[Picture, ...]


class HeldOut:
    """Whole photos at the model's input size, asked for every family by its name.

    `states` holds what the encoder makes of each photo (layers, tokens, width), where that is cached.
    """

    def __init__(self, samples: Sequence[Sample], side: int, states: Rows | None = None) -> None:
        self.samples = samples
        self._side = side
        self._states = states
        shown = np.linspace(0, len(samples) - 1, min(PICTURES, len(samples))).round()
        self._shown = {int(index) for index in shown}

    def squares(self, first: int = 0) -> Iterator[tuple[range, NDArray[np.uint8], list[tuple[int, int]]]]:
        """Of the photos from number `first` on, a few at a time: their numbers, pixels, heights and widths.

        Pixels are (B, S, S, 3); heights and widths are the photos' own.
        """
        for start in range(first, len(self.samples), BATCH):
            numbers = range(start, min(start + BATCH, len(self.samples)))
            images = [load_rgb(self.samples[number].image) for number in numbers]
            squares = np.stack([to_square(image, self._side) for image in images])
            yield numbers, squares, [(image.shape[0], image.shape[1]) for image in images]

    @torch.no_grad()
    def judge(self, network: Asked) -> Verdict:
        """Ask the model."""
        losses, overlaps, pictures = [], [], []
        for numbers, pixels, sizes in self.squares():
            logits = network(self._images(numbers, pixels).to(network.device), [PROMPTS] * len(numbers)).cpu()
            for number, image, size, maps in zip(numbers, pixels, sizes, logits, strict=True):
                for family in PROMPTS:
                    if family not in self.samples[number].shapes:
                        continue
                    answer, truth = maps[PROMPTS.index(family)], self._truth(number, family, size)
                    losses.append(float(functional.binary_cross_entropy_with_logits(answer, truth)))
                    overlaps += _iou(answer, truth)
                    if number in self._shown:
                        pictures.append(Picture(image, family, truth.numpy(), answer.sigmoid().numpy()))
        return Verdict(float(np.mean(losses)), float(np.mean(overlaps or [0.0])), tuple(pictures))

    def _images(self, numbers: range, pixels: NDArray[np.uint8]) -> Tensor:
        if self._states is None:
            return torch.from_numpy(pixels)
        rows = self._states.array[numbers.start : numbers.stop]
        return torch.from_numpy(np.moveaxis(rows, 1, 0).copy())

    def _truth(self, number: int, family: str, size: tuple[int, int]) -> Tensor:
        mask = to_square(self.samples[number].truth(family, *size), self._side)
        return torch.from_numpy(mask.astype(np.float32) / 255)


def _iou(logits: Tensor, truth: Tensor) -> list[float]:
    """The foreground IoU in a list; an empty one where nothing is there to be found."""
    mask, actual = logits.sigmoid() > THRESHOLD, truth > THRESHOLD
    if not actual.any():
        return []
    return [float((mask & actual).sum() / (mask | actual).sum())]
