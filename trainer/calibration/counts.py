"""All that calibrating needs to know of a map and its truth: how many places of each level are what."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.measure.coverage_estimate import LEVELS
from wallscan.measure.measured import as_probabilities
from wallscan.measure.presence import extent

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo asked for one thing; counts are by level of the map (0 to 255), shape (256,).

    `on` and `off` count the map's cells with the thing and without it, a cell that is covered in part going
    to both; `on_px` and `off_px` count the photo's pixels below the map grown to the photo's size. Photos
    of one `group`, such as copies of one source, are no evidence for each other.
    """

    presence: float
    on: Counts
    off: Counts
    on_px: Counts
    off_px: Counts
    group: str = ""

    @property
    def shown(self) -> bool:
        """Whether the thing is on the photo."""
        return bool(self.on_px.any())

    @property
    def covered_pct(self) -> float:
        """The true coverage."""
        return float(100.0 * self.on.sum() / (self.on.sum() + self.off.sum()))


def seen(levels: NDArray[np.uint8], truth: NDArray[np.uint8], group: str = "") -> Seen:
    """Count a map (h, w) in 255ths against a truth (H, W), 0 or 255, at the photo's size."""
    height_px, width_px = truth.shape
    grown = np.asarray(cv2.resize(levels, (width_px, height_px), interpolation=cv2.INTER_LINEAR), np.uint8)
    on_px = _by_level(grown[truth > 0])
    covered = (truth > 0).astype(np.float32)
    share = cv2.resize(covered, levels.shape[::-1], interpolation=cv2.INTER_AREA).clip(0.0, 1.0)
    on = np.asarray(np.bincount(levels.ravel(), share.ravel(), LEVELS), np.float64)
    return Seen(
        presence=extent(as_probabilities(levels), max(levels.shape)),
        on=on,
        off=np.maximum(_by_level(levels) - on, 0.0),
        on_px=on_px,
        off_px=_by_level(grown) - on_px,
        group=group,
    )


def _by_level(levels: NDArray[np.uint8]) -> Counts:
    return np.bincount(levels.ravel(), minlength=LEVELS).astype(np.float64)
