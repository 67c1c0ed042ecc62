"""Bootstrap intervals against scipy's, and what clustering does to them."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from trainer.evaluation.intervals import clustered_interval, clustered_statistic, paired_difference
from trainer.evaluation.tables import both_classes_iou


def own_groups(count):
    return [f"photo {index}" for index in range(count)]


@pytest.fixture
def values():
    return np.random.default_rng(5).beta(2, 3, size=120)


def test_without_clusters_it_is_the_percentile_bootstrap_of_scipy(values):
    found = clustered_interval(values, own_groups(120), seed=1, draws=20_000)
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=2).confidence_interval
    width = theirs.high - theirs.low
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(theirs.low, abs=width * 0.03)
    assert found.high == pytest.approx(theirs.high, abs=width * 0.03)


def test_a_paired_difference_is_the_bootstrap_of_the_differences(values):
    other = values * 0.9 + np.random.default_rng(6).normal(0, 0.02, 120)
    found = paired_difference(values, other, own_groups(120), seed=1, draws=20_000)
    theirs = bootstrap((values - other,), np.mean, n_resamples=20_000, method="percentile", rng=2)
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert found.mean == pytest.approx((values - other).mean())
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=width * 0.03)


def test_copies_of_a_photo_do_not_narrow_the_interval(values):
    once = clustered_interval(values, own_groups(120), seed=3)
    copied = clustered_interval(np.repeat(values, 4), np.repeat(own_groups(120), 4).tolist(), seed=3)
    as_if_independent = clustered_interval(np.repeat(values, 4), own_groups(480), seed=3)
    assert [copied.low, copied.high] == pytest.approx([once.low, once.high])
    assert as_if_independent.high - as_if_independent.low < 0.7 * (copied.high - copied.low)


def test_the_same_seed_gives_the_same_interval_in_any_order(values):
    groups = [f"source {index % 30:02}" for index in range(120)]
    order = np.random.default_rng(1).permutation(120)
    plain = clustered_interval(values, groups, seed=4)
    shuffled = clustered_interval(values[order], [groups[index] for index in order], seed=4)
    assert [plain.low, plain.high] == pytest.approx([shuffled.low, shuffled.high])


def test_a_pooled_score_is_computed_from_totals_in_each_draw():
    counts = np.array([[1, 2, 10], [30, 40, 100]])
    found = clustered_statistic(counts, ["a", "b"], both_classes_iou, seed=0)
    assert found.mean == pytest.approx((31 / 42 + (110 - 42) / (110 - 31)) / 2)
    assert found.low == pytest.approx((1 / 2 + 8 / 9) / 2)
    assert found.high == pytest.approx((30 / 40 + 60 / 70) / 2)


@pytest.mark.parametrize(("values", "groups"), [([], []), ([0.1, 0.2], ["a"])])
def test_nothing_to_draw_from_is_refused(values, groups):
    with pytest.raises(ValueError, match="groups"):
        clustered_interval(values, groups, seed=0)


def test_one_group_has_no_width():
    found = clustered_interval([0.2, 0.4], ["a", "a"], seed=0)
    assert found.low == found.mean == found.high == pytest.approx(0.3)
