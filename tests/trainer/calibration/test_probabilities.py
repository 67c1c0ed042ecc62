import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.trainer.calibration.maps import INTERCEPT, SLOPE, boasting, clean
from trainer.calibration.counts import seen
from trainer.calibration.probabilities import (
    balanced,
    calibration_error,
    fit_calibration,
    maximum_likelihood,
)
from wallscan.measure.coverage_estimate import LEVELS, calibrated, level_logits


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(3)
    return [seen(*boasting(rng, -2)) for _ in range(40)]


def test_the_two_numbers_of_the_boasting_are_found(photos):
    fitted = fit_calibration(photos)
    assert fitted.calibration.slope == pytest.approx(SLOPE, abs=0.04)
    assert fitted.calibration.intercept == pytest.approx(INTERCEPT, abs=0.06)
    assert fitted.ece_after < 0.01 < 0.05 < fitted.ece_before


def test_it_is_the_logistic_regression_of_others(photos):
    on, off = balanced(photos)
    fitted = maximum_likelihood(on, off)
    logits = np.concatenate((level_logits(), level_logits()))[:, None]
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    other.fit(logits, np.repeat((1, 0), LEVELS), sample_weight=np.concatenate((on, off)) * 1e4)
    assert fitted.slope == pytest.approx(other.coef_[0, 0], abs=1e-3)
    assert fitted.intercept == pytest.approx(other.intercept_[0], abs=1e-3)


def test_photos_with_and_without_weigh_the_same_however_many(photos):
    rng = np.random.default_rng(4)
    walls = [seen(*clean(rng)) for _ in range(3)]
    once = fit_calibration([*photos, *walls])
    often = fit_calibration([*photos, *walls * 5])
    assert often.calibration.slope == pytest.approx(once.calibration.slope, abs=1e-4)
    assert once.calibration.intercept < fit_calibration(photos).calibration.intercept + 0.2


def test_without_any_photo_that_shows_it_all_probabilities_sink():
    rng = np.random.default_rng(5)
    fitted = fit_calibration([seen(*clean(rng)) for _ in range(4)])
    assert fitted.calibration.slope > 0
    assert calibrated(fitted.calibration)[:50].max() < 0.01


def test_the_calibration_error_is_the_mean_gap_of_its_bins():
    on, off = np.zeros(LEVELS), np.zeros(LEVELS)
    on[51], off[51] = 1, 1  # says .2, is .5: half of all cells
    on[255] = 2  # says 1, is 1
    said = np.arange(LEVELS) / 255
    assert calibration_error(said, on, off) == pytest.approx(0.15)
