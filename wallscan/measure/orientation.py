"""Which way the lines run."""

import math
from dataclasses import dataclass

import numpy as np

from wallscan.measure.lines import Steps

BINS = 12
"""Of the histogram: 15 degrees each, the first around 0, so that a level line does not fall between two."""
MIN_COHERENCE = 0.1
"""Below this no direction is the dominant one."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """Directions of lines, weighted by their length.

    `dominant_deg` is in [0, 180): 0 is level, 90 upright, 45 rises to the right; None where there is none.
    `coherence` is 1 where all lines are parallel, 0 where they cancel. `histogram_pct` is the share of the
    length in each bin, from 0 degrees on, empty where there is no length.
    """

    dominant_deg: float | None
    coherence: float
    histogram_pct: list[float]


def orientation(steps: Steps) -> Orientation:
    """The orientation of steps: the mean of doubled angles (Mardia and Jupp, "Directional Statistics", 2000).

    Each step's direction is that of a centre line smoothed over five pixels.
    """
    weight = steps.length_px * steps.directed
    total = float(weight.sum())
    if not total:
        return Orientation(None, 0.0, [])
    angle = np.arctan2(-steps.step_px[:, 1], steps.step_px[:, 0])  # rows count downwards
    level = float((weight * np.cos(2 * angle)).sum() / total)
    upright = float((weight * np.sin(2 * angle)).sum() / total)
    coherence = math.hypot(level, upright)
    dominant_deg = math.degrees(math.atan2(upright, level)) / 2 % 180.0
    bins = np.rint(np.degrees(angle) / (180.0 / BINS)).astype(np.int64) % BINS
    histogram = np.bincount(bins, weights=weight, minlength=BINS) / total * 100.0
    return Orientation(
        dominant_deg if coherence >= MIN_COHERENCE else None, coherence, histogram.round(2).tolist()
    )
