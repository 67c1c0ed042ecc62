"""How much of a photo is covered, estimated from the whole map and not from the mask, with its uncertainty.

Every place counts with its calibrated probability, also where the mask shows nothing, so that the estimate
does not hang on a threshold. Its interval holds the coverage that an annotator would draw, for nine of ten
photos that are like those it was fitted on (conformal prediction by cross-fitting: Barber, Candes, Ramdas,
Tibshirani, "Predictive inference with the jackknife+", 2021; errors are taken on the square root, which evens
out their spread between little coverage and much).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallscan.models.manifest import Calibration, CoverageErrors, Gate

LEVELS = 256


@dataclass(frozen=True, slots=True)
class CoverageEstimate:
    """The expected coverage and its 90 % interval round it, all in per cent of the photo.

    None where the prompt's probabilities were not calibrated; the interval also where the errors of the
    estimate were not fitted.
    """

    coverage_pct: float | None
    low_pct: float | None
    high_pct: float | None


NO_ESTIMATE = CoverageEstimate(None, None, None)


def estimated_coverage(levels: NDArray[np.uint8], gate: Gate, *, found: bool) -> CoverageEstimate:
    """The estimate from a map (h, w) in 255ths.

    `found` says whether the presence gate was open: silence and finding err differently.
    """
    if gate.calibration is None:
        return NO_ESTIMATE
    expected = expected_pct(np.bincount(levels.ravel(), minlength=LEVELS), gate.calibration)
    if gate.coverage_errors is None:
        return CoverageEstimate(expected, None, None)
    return CoverageEstimate(expected, *interval_pct(expected, gate.coverage_errors, found=found))


def expected_pct(counts: NDArray[np.int64] | NDArray[np.float64], calibration: Calibration) -> float:
    """The expected coverage in per cent, from the number of cells at each level (256,)."""
    return float(100.0 * np.dot(counts, calibrated(calibration)) / counts.sum())


def calibrated(calibration: Calibration) -> NDArray[np.float64]:
    """The calibrated probability of each level, (256,) in (0, 1)."""
    return np.asarray(1.0 / (1.0 + np.exp(-(calibration.slope * level_logits() + calibration.intercept))))


def level_logits() -> NDArray[np.float64]:
    """The logit of each level, (256,), taken at the middle of its 256th so that the ends are finite."""
    middle = (np.arange(LEVELS) + 0.5) / LEVELS
    return np.asarray(np.log(middle / (1.0 - middle)))


def interval_pct(expected: float, errors: CoverageErrors, *, found: bool) -> tuple[float, float]:
    """(low, high) in per cent, with the expected coverage between them.

    A shut gate says that nothing is there, which its interval must not rule out: `low` is 0. Photos with
    exactly nothing on them are many, and the few held out whose gate is shut may show something.
    """
    sides = errors.found if found else errors.silent
    low, high = (max(math.sqrt(expected) + error, 0.0) ** 2 for error in sides)
    return min(low, expected) if found else 0.0, min(max(high, expected), 100.0)
