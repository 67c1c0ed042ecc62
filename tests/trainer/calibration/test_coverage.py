"""The interval is right where the truth is known: photos of many kinds, fitted on some, tried on others."""

import math

import numpy as np
import pytest

from tests.trainer.calibration.maps import boasting, clean
from trainer.calibration.counts import seen
from trainer.calibration.coverage import NOTHING_KNOWN, conformal, fit_coverage_errors
from trainer.calibration.probabilities import fit_calibration
from wallscan.measure.coverage_estimate import estimated_coverage
from wallscan.models import Gate

GATE = 0.3


def photos_of(seed, count):
    """Maps with their truths, from hardly anything to much; annotators draw wider or narrower."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(count):
        levels, truth = boasting(rng, rng.uniform(-7, -1))
        generous = rng.uniform(0.5, 1.0)
        pairs.append((levels, np.where(rng.random(truth.shape) < generous, truth, 0).astype(np.uint8)))
    return pairs


def estimate_of(pair, gate):
    """The estimate of a photo as the product makes it: expected, low and high in per cent."""
    one = seen(*pair)
    estimate = estimated_coverage(pair[0], gate, found=one.presence >= GATE)
    assert estimate.coverage_pct is not None
    assert estimate.low_pct is not None
    assert estimate.high_pct is not None
    return estimate.coverage_pct, estimate.low_pct, estimate.high_pct


def fitted(pairs):
    photos = [seen(*pair) for pair in pairs]
    calibration = fit_calibration(photos).calibration
    errors = fit_coverage_errors(photos, calibration, GATE)
    return Gate(family="crack", presence=GATE, calibration=calibration, coverage_errors=errors)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_interval_holds_the_truth_of_nine_fresh_photos_in_ten(seed):
    gate = fitted(photos_of(seed, 1000))
    held = []
    for pair in photos_of(seed + 100, 1000):
        expected, low, high = estimate_of(pair, gate)
        held.append(low <= seen(*pair).covered_pct <= high)
        assert low <= expected <= high
    assert 0.85 <= np.mean(held) <= 0.95


def test_clean_walls_do_not_vouch_for_cracked_ones():
    pairs = photos_of(7, 200)
    rng = np.random.default_rng(8)
    alone, among = fitted(pairs), fitted([*pairs, *(clean(rng) for _ in range(400))])
    width = [gate.coverage_errors.found[1] - gate.coverage_errors.found[0] for gate in (alone, among)]
    assert width[1] > 0.8 * width[0]


def test_the_estimate_is_right_on_average():
    pairs = photos_of(11, 300)
    gate = fitted(pairs)
    said = [estimate_of(pair, gate)[0] for pair in pairs]
    assert np.mean(said) == pytest.approx(np.mean([seen(*pair).covered_pct for pair in pairs]), rel=0.03)


def test_too_few_errors_bound_nothing():
    assert conformal([0.1] * 18) == NOTHING_KNOWN
    assert conformal([0.1] * 19) == (0.0, 0.1)
    assert conformal([-0.4, *[0.0] * 30, 0.2])[0] >= -0.4


def test_bounds_leave_out_one_of_twenty_on_each_side():
    errors = np.linspace(-1, 1, 199)
    low, high = conformal(errors.tolist())
    assert (errors < low).sum() == (errors > high).sum() == 9
    assert math.isclose(low, -high)
