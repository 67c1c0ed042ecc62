"""The interval is right where the truth is known: photos of many kinds, fitted on some, tried on others."""

import math

import numpy as np
import pytest

from tests.trainer.calibration.maps import boasting, clean
from trainer.calibration.counts import seen
from trainer.calibration.coverage import FOLDS, NOTHING_KNOWN, conformal, fit_coverage_errors, folds
from trainer.calibration.probabilities import fit_calibration
from wallscan.measure.coverage_estimate import estimated_coverage, expected_pct
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


def of_group(pair, group):
    levels, truth = pair
    return seen(levels, truth, group)


def fitted(pairs):
    photos = [of_group(pair, str(number)) for number, pair in enumerate(pairs)]
    calibration = fit_calibration(photos).calibration
    errors = fit_coverage_errors(photos, [], GATE)
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


def test_photos_are_estimated_by_what_was_fitted_on_other_groups(monkeypatch):
    monkeypatch.setattr("trainer.calibration.coverage.MISSED_PER_SIDE", 0.4)  # of two groups, something
    rng = np.random.default_rng(21)
    boastful, modest = ([boasting(rng, level) for _ in range(25)] for level in (-1, -4))
    modest = [(levels, np.where(rng.random(truth.shape) < 0.3, truth, 0)) for levels, truth in modest]
    first, second = (
        [of_group((levels, truth.astype(np.uint8)), group) for levels, truth in pairs]
        for group, pairs in (("a", boastful), ("b", modest))
    )
    walls = [seen(*clean(rng)) for _ in range(3)]
    errors = {
        photos[0].group: [
            math.sqrt(one.covered_pct) - math.sqrt(expected_pct(one.on + one.off, calibration))
            for one in photos
        ]
        for photos, others in ((first, second), (second, first))
        for calibration in [fit_calibration([*others, *walls]).calibration]
    }
    found = fit_coverage_errors([*first, *second], walls, gate=0.0).found
    assert found == conformal(errors) != NOTHING_KNOWN


def test_folds_hold_groups_whole_and_every_rest_shows_the_thing():
    rng = np.random.default_rng(22)
    shown, absent = boasting(rng, -2), clean(rng)
    photos = [
        of_group(shown if group in {0, FOLDS} and copy else absent, f"{group:02}")
        for copy in range(2)
        for group in range(2 * FOLDS)
    ]
    dealt = list(folds(photos))
    assert len(dealt) == FOLDS
    for fold, rest in dealt:
        assert {one.group for one in fold}.isdisjoint(one.group for one in rest)
        assert any(one.shown for one in rest)
        assert len(fold) + len(rest) == len(photos)


def test_rendered_walls_tell_nothing_of_errors():
    rng = np.random.default_rng(23)
    few = [of_group(pair, str(number)) for number, pair in enumerate(photos_of(23, 10))]
    errors = fit_coverage_errors(few, [seen(*clean(rng)) for _ in range(80)], GATE)
    assert (errors.found, errors.silent) == (NOTHING_KNOWN, NOTHING_KNOWN)


def test_of_a_thing_that_one_group_alone_shows_nothing_is_known():
    rng = np.random.default_rng(24)
    copies = [of_group(boasting(rng, -1), "one source") for _ in range(60)]
    errors = fit_coverage_errors(copies, [seen(*clean(rng)) for _ in range(5)], GATE)
    assert (errors.found, errors.silent) == (NOTHING_KNOWN, NOTHING_KNOWN)


def test_the_estimate_is_right_on_average():
    pairs = photos_of(11, 300)
    gate = fitted(pairs)
    said = [estimate_of(pair, gate)[0] for pair in pairs]
    assert np.mean(said) == pytest.approx(np.mean([seen(*pair).covered_pct for pair in pairs]), rel=0.03)


def apart(errors):
    """Each error of a group of its own."""
    return {str(number): [error] for number, error in enumerate(errors)}


def test_too_few_errors_bound_nothing():
    assert conformal(apart([0.1] * 18)) == NOTHING_KNOWN
    assert conformal(apart([0.1] * 19)) == (0.0, 0.1)
    assert conformal(apart([-0.4, *[0.0] * 30, 0.2]))[0] >= -0.4
    assert conformal({str(group): [0.1] * 9 for group in range(18)}) == NOTHING_KNOWN


def test_bounds_leave_out_one_of_twenty_on_each_side():
    errors = np.linspace(-1, 1, 199)
    low, high = conformal(apart(errors))
    assert (errors < low).sum() == (errors > high).sum() == 9
    assert math.isclose(low, -high)


def test_copies_of_a_photo_weigh_as_one():
    errors = np.linspace(-1, 1, 59).round(4).tolist()
    copies = apart(errors) | {"0": [-1.0] * 20}
    assert conformal(copies) == conformal(apart(errors)) == (errors[2], errors[-3])
    halves = {"58": [1.0, 0.0], "57": [errors[-2], 0.0]}
    assert conformal(apart(errors) | halves) == (errors[2], errors[-4]), "two halves weigh one"
