"""The threshold of a family, and the band round it in which it does not matter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.calibration.counts import Seen

PLATEAU = 0.002
"""Thresholds that cost at most this much mean IoU are as good as the best: the middle of them is taken."""
BAND = 0.01
"""A threshold that follows the photo (Otsu, hysteresis) stays where it costs at most this much mean IoU."""
_LEVELS = 255


@dataclass(frozen=True, slots=True)
class FittedThreshold:
    """A probability, the band round it, and the mean foreground IoU that it reaches where it was fitted."""

    threshold: float
    band: tuple[float, float]
    mean_iou: float


def fit_threshold(photos: Sequence[Seen]) -> FittedThreshold:
    """The threshold with the best mean foreground IoU over photos that show the thing (at least one)."""
    curve = mean_iou_by_level(photos)
    low, high = _stretch(curve, PLATEAU)
    middle = (low + high) // 2
    weakest, strongest = _stretch(curve, BAND)
    return FittedThreshold(
        threshold=_above(middle),
        band=(_above(weakest), _above(strongest)),
        mean_iou=round(float(curve[middle]), 4),
    )


def mean_iou_by_level(photos: Sequence[Seen]) -> NDArray[np.float64]:
    """Mean foreground IoU, (255,), of the mask of all pixels above level 0, 1, ... 254."""
    return np.asarray(np.mean([_iou_by_level(photo) for photo in photos], axis=0))


def _iou_by_level(photo: Seen) -> NDArray[np.float64]:
    hits = _at_or_above(photo.on_px)[1:]
    marked = hits + _at_or_above(photo.off_px)[1:]
    return np.asarray(hits / (marked + photo.on_px.sum() - hits))


def _at_or_above(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(counts[::-1])[::-1]


def _stretch(curve: NDArray[np.float64], cost: float) -> tuple[int, int]:
    """First and last level of the unbroken stretch round the best one that costs at most `cost`."""
    good = curve >= curve.max() - cost
    best = int(curve.argmax())
    breaks = np.flatnonzero(~good)
    low = int(breaks[breaks < best].max(initial=-1)) + 1
    high = int(breaks[breaks > best].min(initial=len(curve))) - 1
    return low, high


def _above(level: int) -> float:
    """The probability between a level and the next, which parts what is above the level from the rest."""
    return round((level + 0.5) / _LEVELS, 4)
