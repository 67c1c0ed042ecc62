"""How far the estimated coverage is off, for nine photos of ten."""

import math
from collections.abc import Sequence

import numpy as np

from trainer.calibration.counts import Seen
from wallscan.measure.coverage_estimate import expected_pct
from wallscan.models.manifest import Calibration, CoverageErrors, Errors

MISSED_PER_SIDE = 0.05
NOTHING_KNOWN: Errors = (-10.0, 10.0)
"""From 0 to 100 %: the square root of per cent ends at 10."""


def fit_coverage_errors(photos: Sequence[Seen], calibration: Calibration, gate: float) -> CoverageErrors:
    """Split conformal bounds of the error, apart for photos that open the gate and those that do not.

    Apart, because together the many clean photos, whose error is next to nothing, would vouch for the others.
    """
    errors: dict[bool, list[float]] = {True: [], False: []}
    for photo in photos:
        expected = expected_pct((photo.on + photo.off), calibration)
        errors[photo.presence >= gate].append(math.sqrt(photo.covered_pct) - math.sqrt(expected))
    return CoverageErrors(found=conformal(errors[True]), silent=conformal(errors[False]))


def conformal(errors: Sequence[float]) -> Errors:
    """(low, high), at most 0 and at least 0: a further error lies between them in at least 9 of 10 cases.

    Too few errors to say so (under 19) bound nothing.
    """
    place = math.floor((len(errors) + 1) * MISSED_PER_SIDE)
    if place < 1:
        return NOTHING_KNOWN
    ordered = np.sort(errors)
    return min(0.0, round(float(ordered[place - 1]), 4)), max(0.0, round(float(ordered[-place]), 4))
