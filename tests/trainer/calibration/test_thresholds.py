import numpy as np
import pytest

from tests.trainer.calibration.maps import boasting
from trainer.calibration.counts import seen
from trainer.calibration.thresholds import BAND, PLATEAU, fit_threshold, mean_iou_by_level


def flat(levels, truth):
    return seen(np.array([levels], np.uint8), np.array([truth], np.uint8) * 255)


@pytest.mark.parametrize("level", [0, 40, 127, 254])
def test_the_curve_is_the_iou_of_every_cut(level):
    rng = np.random.default_rng(1)
    pairs = [boasting(rng, -2) for _ in range(3)]
    found = mean_iou_by_level([seen(*pair) for pair in pairs])[level]
    masks = [(levels > level, truth > 0) for levels, truth in pairs]
    assert found == pytest.approx(np.mean([(m & t).sum() / (m | t).sum() for m, t in masks]))


def test_a_plateau_gives_its_middle_and_not_the_spike_beside_it():
    # Above 50 and up to 200 every cut is right but for one pixel of 1,000, which a cut at 210 gets right.
    levels = [20] * 1000 + [210] + [230] * 1000
    fitted = fit_threshold([flat(levels, [0] * 1001 + [1] * 1000)])
    assert fitted.threshold == pytest.approx((20 + 229) / 2 / 255, abs=0.005)
    assert fitted.mean_iou == pytest.approx(1000 / 1001, abs=1e-4)


def test_the_band_is_where_the_threshold_costs_little():
    rng = np.random.default_rng(2)
    photos = [seen(*boasting(rng, -2)) for _ in range(8)]
    curve = mean_iou_by_level(photos)
    fitted = fit_threshold(photos)
    inside = curve[int(fitted.band[0] * 255) : int(fitted.band[1] * 255) + 1]
    assert inside.min() >= curve.max() - BAND
    assert fitted.band[0] < fitted.threshold < fitted.band[1]
    assert curve[int(fitted.threshold * 255)] >= curve.max() - PLATEAU


def test_counts_are_those_of_the_photo_and_of_the_map():
    levels = np.array([[10, 200], [10, 200]], np.uint8)
    truth = np.zeros((4, 4), np.uint8)
    truth[:, 3] = 255
    one = seen(levels, truth)
    assert (one.on.sum(), one.off.sum(), one.on[200]) == (1.0, 3.0, 1.0)
    assert (one.on_px.sum(), one.off_px.sum(), one.covered_pct) == (4, 12, 25.0)
    assert one.shown
    assert not seen(levels, np.zeros_like(truth)).shown
