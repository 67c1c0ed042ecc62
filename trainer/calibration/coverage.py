"""How far the estimated coverage is off, for nine photos of ten."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from trainer.calibration.counts import Seen
from trainer.calibration.probabilities import fit_calibration
from wallscan.measure.coverage_estimate import expected_pct
from wallscan.models.manifest import CoverageErrors, Errors

FOLDS = 10
MISSED_PER_SIDE = 0.05
NOTHING_KNOWN: Errors = (-10.0, 10.0)
"""From 0 to 100 %: the square root of per cent ends at 10."""


def fit_coverage_errors(photos: Sequence[Seen], walls: Sequence[Seen], gate: float) -> CoverageErrors:
    """Bounds of the error, in square roots of per cent, of photos that the calibration was not fitted on.

    Cross-fitting: each photo is estimated by the calibration of the other folds, which keep groups together;
    the bounds are laid round the estimate of the calibration that was fitted on all. That is the jackknife of
    Barber, Candes, Ramdas, Tibshirani, "Predictive inference with the jackknife+", 2021, with folds: near to
    nine in ten because two numbers hardly change with a tenth of the photos, though not whatever the photos
    are. `walls`, rendered and without the thing, help to fit: their errors are no photo's. Of what fewer than
    two groups show nothing is known.

    Apart for photos that open the gate and those that do not, because together the many clean photos, whose
    error is next to nothing, would vouch for the others.
    """
    errors: dict[bool, defaultdict[str, list[float]]] = {True: defaultdict(list), False: defaultdict(list)}
    if len({photo.group for photo in photos if photo.shown}) > 1:
        for fold, rest in folds(photos):
            calibration = fit_calibration([*rest, *walls]).calibration
            for photo in fold:
                expected = expected_pct(photo.on + photo.off, calibration)
                error = math.sqrt(photo.covered_pct) - math.sqrt(expected)
                errors[photo.presence >= gate][photo.group].append(error)
    return CoverageErrors(found=conformal(errors[True]), silent=conformal(errors[False]))


def conformal(errors: Mapping[str, Sequence[float]]) -> Errors:
    """(low, high), at most 0 and at least 0: a further group's error lies between them in 9 of 10 cases.

    `errors` are those of each group, which weigh as one together: copies are no evidence of their own. Lee,
    Barber, Willett, "Distribution-free inference with hierarchical data", 2023. Too few groups to say so
    (under 19) bound nothing.
    """
    beyond = (len(errors) + 1) * MISSED_PER_SIDE - 1
    if beyond < 0:
        return NOTHING_KNOWN
    weighed = sorted((error, 1 / len(group)) for group in errors.values() for error in group)
    low, high = _inner(weighed, beyond), _inner(weighed[::-1], beyond)
    return min(0.0, round(low, 4)), max(0.0, round(high, 4))


def _inner(weighed: Sequence[tuple[float, float]], beyond: float) -> float:
    """The first error that with all before it weighs more than `beyond`."""
    weights = np.cumsum([weight for _, weight in weighed])
    return weighed[int(np.searchsorted(weights, beyond, side="right"))][0]


def folds(photos: Sequence[Seen]) -> Iterator[tuple[list[Seen], list[Seen]]]:
    """(fold, all others). Groups with the thing are dealt out first: every fold's others then show it."""
    shown = {photo.group for photo in photos if photo.shown}
    order = sorted({photo.group for photo in photos}, key=lambda group: (group not in shown, group))
    fold_of = {group: place % FOLDS for place, group in enumerate(order)}
    for number in sorted(set(fold_of.values())):
        yield (
            [photo for photo in photos if fold_of[photo.group] == number],
            [photo for photo in photos if fold_of[photo.group] != number],
        )
