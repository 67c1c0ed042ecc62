import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measure.maps import crack_map, overlap
from wallscan.domain.pipelines import FOUNDING, STANDARD, Founding, Standard
from wallscan.measure import measured
from wallscan.measure.founding import clean, eight_bit, founding_mask, otsu_level
from wallscan.measure.measured import as_probabilities
from wallscan.measure.standard import band_of, standard_mask, without_short_parts
from wallscan.models import Gate

SIDE = 352
FITTED = Gate(family="crack", presence=0.3, threshold=0.4, band=(0.3, 0.6))
CHOICES = ("fixed", "otsu", "hysteresis")


def mask_of(levels, gate=FITTED, scale=1, **parameters):
    height, width = levels.shape
    return standard_mask(levels, height * scale, width * scale, gate, Standard(**parameters))


def line_map(thickness, strength=0.8, end=(330, 260)):
    """A line as thin as that on a noisy wall, in 255ths; and where it is."""
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    cv2.line(drawn, (20, 90), end, 255, thickness)
    noise = np.random.default_rng(thickness).normal(0.06, 0.02, drawn.shape)
    return eight_bit(np.where(drawn > 0, strength, noise).astype(np.float32)), drawn


@pytest.mark.parametrize("threshold", CHOICES)
@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_thin_lines_stay_whole(threshold, thickness):
    levels, drawn = line_map(thickness)
    mask, _ = mask_of(levels, threshold=threshold)
    assert overlap(mask, drawn) > 0.95


def test_the_founding_opening_takes_the_thin_line_away():
    levels, drawn = line_map(1)
    founding, _ = founding_mask(as_probabilities(levels), SIDE, SIDE, Founding(denoise_px=1))
    assert overlap(founding, drawn) == 0.0


@pytest.mark.parametrize("threshold", CHOICES)
def test_a_noisy_clean_wall_stays_empty_even_with_the_gate_open(threshold):
    rng = np.random.default_rng(4)
    for _ in range(10):
        noise = cv2.GaussianBlur(rng.normal(0.12, 0.25, (SIDE, SIDE)), (0, 0), 1.5)
        levels = eight_bit(np.asarray(noise, np.float32))
        specks = rng.integers(0, SIDE - 8, (40, 2))
        for row, column in specks:
            levels[row : row + 6, column : column + 6] = 230
        mask, _ = mask_of(levels, threshold=threshold)
        assert not mask.any()


def test_otsu_alone_would_split_the_same_wall():
    noise = np.random.default_rng(2).normal(0.05, 0.01, (SIDE, SIDE)).clip(0, 1).astype(np.float32)
    gate = Gate(family=None, presence=0.0)
    founding, standard = (
        measured(noise, height_px=SIDE, width_px=SIDE, gate=gate, postprocess=pipeline)
        for pipeline in (FOUNDING, STANDARD)
    )
    assert founding.numbers.coverage_pct > 5
    assert standard.numbers.foreground_px == 0


def test_parts_are_judged_by_length_and_not_by_area():
    binary = np.zeros((60, 60), np.uint8)
    binary[5, 5:30] = 1  # 25 cells, long
    binary[20:32, 40:52] = 1  # 144 cells, short
    cv2.line(binary, (5, 55), (20, 40), 1, 1)  # 16 cells, but 22 long
    kept = without_short_parts(binary, 20)
    assert kept[5, 5:30].all()
    assert not kept[20:32, 40:52].any()
    assert kept[50, 10] == 1
    assert np.array_equal(without_short_parts(binary, 0), binary)


@given(st.integers(0, 10_000))
def test_otsu_is_kept_inside_the_band(seed):
    levels = eight_bit(crack_map(seed, side=96))
    _, threshold = mask_of(levels, threshold="otsu")
    assert 0.3 - 1 / 255 <= threshold <= 0.6 + 1 / 255
    unbound = Gate(family=None, presence=0.0, threshold=0.5, band=(0.0, 1.0))
    _, free = mask_of(levels, unbound, threshold="otsu")
    assert free == pytest.approx((otsu_level(levels) + 0.5) / 255)


def test_hysteresis_takes_the_weak_with_the_strong_alone():
    levels = np.zeros((SIDE, SIDE), np.uint8)
    levels[50, 20:200] = 100  # weak all along
    levels[90, 20:200] = 100
    levels[90, 100] = 200  # weak, with one sure place
    mask, threshold = mask_of(levels, threshold="hysteresis")
    assert not mask[50].any()
    assert mask[90, 20:200].all()
    assert threshold == pytest.approx(0.3, abs=1 / 255)


def test_the_runs_own_level_moves_threshold_and_band():
    band = band_of(FITTED, Standard(level=0.5))
    assert (band.low, band.threshold, band.high) == pytest.approx((0.4, 0.5, 0.7))
    unfitted = band_of(Gate(family=None, presence=0.3), Standard())
    assert (unfitted.low, unfitted.threshold, unfitted.high) == pytest.approx((0.4, 0.5, 0.6))
    ends = band_of(FITTED, Standard(level=0.99))
    assert ends.high == 1.0
    mask, _ = mask_of(np.full((8, 8), 255, np.uint8), threshold="hysteresis", level=0.99, min_length_px=0)
    assert mask.all()


def test_the_mask_is_at_the_photos_size_with_the_cleaned_maps_parts():
    levels = eight_bit(crack_map(3))
    mask, threshold = mask_of(levels, scale=4, threshold="fixed")
    assert mask.shape == (4 * SIDE, 4 * SIDE)
    large = cv2.resize(as_probabilities(levels), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    truth = without_short_parts((large > threshold).astype(np.uint8), 4 * 20)
    truth = clean(truth, Founding(opening_px=1, closing_px=13)) * 255
    assert overlap(mask, truth) > 0.98
