"""The standard pipeline: calibrated threshold, short parts left out, closing; the mask at the photo's size.

Nothing is smoothed and nothing opened, so that a line one cell wide stays as it is: what is long enough is
believed however thin, what is short is not. The mask's edge is taken from the upsampled 8-bit map, as the
founding pipeline does it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.pipelines import Standard
from wallscan.measure.founding import otsu_level, upsampled_mask
from wallscan.models.manifest import Gate

Bytes = NDArray[np.uint8]

UNFITTED_THRESHOLD = 0.5
UNFITTED_BAND = 0.1
"""For prompts whose threshold was never fitted: one half, and so much to either side as its band."""
_LEVELS = 255


@dataclass(frozen=True, slots=True)
class Band:
    """A threshold between the ends of its band, all probabilities in [0, 1]."""

    low: float
    threshold: float
    high: float


def band_of(gate: Gate, parameters: Standard) -> Band:
    """The prompt's threshold and band, or the run's own level with the band moved along."""
    fitted = UNFITTED_THRESHOLD if gate.threshold is None else gate.threshold
    low, high = gate.band or (fitted - UNFITTED_BAND, fitted + UNFITTED_BAND)
    moved = 0.0 if parameters.level is None else parameters.level - fitted
    return Band(max(0.0, low + moved), fitted + moved, min(1.0, high + moved))


def standard_mask(
    levels: Bytes, height_px: int, width_px: int, gate: Gate, parameters: Standard
) -> tuple[Bytes, float]:
    """The mask (height_px, width_px), uint8 0 or 255, of a map (h, w) in 255ths, and its threshold.

    The threshold is a probability; with hysteresis it is the lower one, where the mask's edges lie.
    """
    band = band_of(gate, parameters)
    level = _level(levels, band, parameters)
    binary = (levels > level).astype(np.uint8)
    if parameters.threshold == "hysteresis":
        binary = _held_by(binary, levels > _as_level(band.high))
    kernel = np.ones((parameters.closing_px, parameters.closing_px), np.uint8)
    cleaned = cv2.morphologyEx(without_short_parts(binary, parameters.min_length_px), cv2.MORPH_CLOSE, kernel)
    mask = upsampled_mask(levels, level, np.asarray(cleaned, np.uint8), height_px, width_px)
    return mask, (level + 0.5) / _LEVELS


def without_short_parts(binary: Bytes, shortest: float) -> Bytes:
    """A 0/1 map without its 8-connected parts whose bounding box has a diagonal under `shortest` cells."""
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(binary, 8, cv2.CV_32S, cv2.CCL_GRANA)
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    keeps = np.hypot(sides[:, 0], sides[:, 1]) >= shortest
    keeps[0] = False
    return np.asarray(keeps[labels], np.uint8)


def _level(levels: Bytes, band: Band, parameters: Standard) -> int:
    """The level that foreground lies above."""
    low, high = _as_level(band.low), _as_level(band.high)
    if parameters.threshold == "otsu":
        return int(np.clip(otsu_level(levels), low, high))
    return low if parameters.threshold == "hysteresis" else _as_level(band.threshold)


def _as_level(threshold: float) -> int:
    """The highest level not above a threshold. The highest of all is left free: above it lies nothing."""
    return min(int(threshold * _LEVELS), _LEVELS - 1)


def _held_by(binary: Bytes, sure: NDArray[np.bool_]) -> Bytes:
    """A 0/1 map without the 8-connected parts that hold no sure place."""
    count, labels = cv2.connectedComponents(binary, connectivity=8)
    keeps = np.zeros(count, np.bool_)
    keeps[labels[sure]] = True
    keeps[0] = False
    return np.asarray(keeps[labels], np.uint8)
