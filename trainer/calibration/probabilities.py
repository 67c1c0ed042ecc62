"""From a model's probabilities to such as come true: Platt's two numbers, and how far off they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.calibration.counts import Counts, Seen
from wallscan.measure.coverage_estimate import LEVELS, calibrated, level_logits
from wallscan.models.manifest import Calibration

BINS = 15
LEAST_SLOPE = 0.01
_STEPS = 100
_DAMPING = 1e-9


@dataclass(frozen=True, slots=True)
class FittedCalibration:
    """The two numbers, and the expected calibration error of the maps with and without them."""

    calibration: Calibration
    ece_before: float
    ece_after: float


def fit_calibration(photos: Sequence[Seen]) -> FittedCalibration:
    """Fitted by maximum likelihood on every cell of the photos with the thing and of those without it.

    Both kinds weigh the same together, however many there are of each: what a probability means shall not
    hang on how the photos were collected. Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """
    on, off = balanced(photos)
    calibration = maximum_likelihood(on, off)
    plain = np.arange(LEVELS) / (LEVELS - 1)
    return FittedCalibration(
        calibration,
        ece_before=round(calibration_error(plain, on, off), 5),
        ece_after=round(calibration_error(calibrated(calibration), on, off), 5),
    )


def balanced(photos: Sequence[Seen]) -> tuple[Counts, Counts]:
    """Shares of cells with and without the thing by level, (256,) each, together 1."""
    kinds = [[photo for photo in photos if photo.shown is shown] for shown in (True, False)]
    shares = [
        np.mean([np.stack((one.on, one.off)) / (one.on + one.off).sum() for one in kind], axis=0)
        for kind in kinds
        if kind
    ]
    on, off = np.mean(shares, axis=0)
    return on, off


def maximum_likelihood(on: Counts, off: Counts) -> Calibration:
    """Slope and intercept of the most likely logistic curve through shares by level (Newton's method)."""
    design = np.stack((level_logits(), np.ones(LEVELS)), axis=1)
    weight = on + off
    beta = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        probability = 1.0 / (1.0 + np.exp(-design @ beta))
        gradient = design.T @ (on - weight * probability)
        curvature = (design * (weight * probability * (1 - probability))[:, None]).T @ design
        step = np.linalg.solve(curvature + _DAMPING * np.eye(2), gradient)
        beta += np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < _DAMPING:
            break
    return Calibration(slope=round(max(float(beta[0]), LEAST_SLOPE), 5), intercept=round(float(beta[1]), 5))


def calibration_error(probability: NDArray[np.float64], on: Counts, off: Counts) -> float:
    """Expected calibration error over `BINS` equal bins of the probability that each level stands for.

    Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017.
    """
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    said = np.bincount(bins, weights=probability * (on + off), minlength=BINS)
    true = np.bincount(bins, weights=on, minlength=BINS)
    return float(np.abs(said - true).sum() / (on + off).sum())
