from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.measure.maps import FOUNDING_PARAMETERS, crack_map, overlap
from wallscan.measure.founding import (
    clean,
    denoised,
    eight_bit,
    founding_mask,
    otsu_level,
    upsampled_mask,
)

level_maps = arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)))
bimodal_maps = level_maps.map(
    lambda levels: np.where(levels % 2, levels // 4, 255 - levels // 4).astype(np.uint8)
)


def otsu_by_definition(levels):
    """The split with the greatest variance between its two classes, tried one by one."""
    flat = levels.astype(np.float64).ravel()
    best, best_variance = 0, -1.0
    for level in range(255):
        low, high = flat[flat <= level], flat[flat > level]
        if low.size and high.size:
            variance = low.size * high.size * (low.mean() - high.mean()) ** 2
            if variance > best_variance * (1 + 1e-9):
                best, best_variance = level, variance
    return best


@given(bimodal_maps.filter(lambda levels: levels.min() < levels.max()))
def test_otsu_splits_as_its_definition_does(levels):
    assert np.array_equal(levels > otsu_level(levels), levels > otsu_by_definition(levels))


@pytest.mark.parametrize(("value", "share"), [(0.0, 0), (0.3, 0), (0.49, 0), (0.51, 1), (1.0, 1)])
def test_a_map_of_one_value_is_foreground_from_one_half_up(value, share):
    constant = np.full((40, 40), value, np.float32)
    mask, threshold = founding_mask(constant, 60, 80, FOUNDING_PARAMETERS)
    assert np.count_nonzero(mask) == share * mask.size
    assert threshold == pytest.approx(0.5)


@given(level_maps)
def test_at_the_maps_own_size_the_mask_is_the_cleaned_map(levels):
    level = otsu_level(levels)
    cleaned = clean((levels > level).astype(np.uint8), FOUNDING_PARAMETERS)
    mask = upsampled_mask(levels, level, cleaned, *levels.shape)
    assert np.array_equal(mask > 0, cleaned > 0)


@given(arrays(np.uint8, (20, 24), elements=st.integers(0, 1)))
def test_cleaning_is_opening_then_closing(binary):
    square = np.ones((3, 3), np.uint8)
    opened = cv2.dilate(cv2.erode(binary, square), square)
    assert np.array_equal(clean(binary, FOUNDING_PARAMETERS), cv2.erode(cv2.dilate(opened, square), square))


def test_specks_go_and_gaps_close():
    binary = np.zeros((30, 30), np.uint8)
    binary[5, 5] = 1
    binary[14:18, 2:14] = 1
    binary[14:18, 16:28] = 1
    cleaned = clean(binary, FOUNDING_PARAMETERS)
    assert cleaned[5, 5] == 0
    assert cleaned[14:18, 2:28].all()


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([3, 5, 7]))
def test_the_quick_mask_is_nearly_that_of_cleaning_at_full_size(seed, scale):
    probabilities = crack_map(seed)
    size = (probabilities.shape[0] * scale, probabilities.shape[1] * scale)
    mask, threshold = founding_mask(probabilities, *size, FOUNDING_PARAMETERS)
    smooth = denoised(probabilities, FOUNDING_PARAMETERS)
    large = cv2.resize(smooth, size[::-1], interpolation=cv2.INTER_LINEAR)
    side = FOUNDING_PARAMETERS.opening_px * scale
    full_size = replace(FOUNDING_PARAMETERS, opening_px=side, closing_px=side)
    truth = clean((large > threshold).astype(np.uint8), full_size) * 255
    # Of 500 such maps the IoU was .998 in the middle and .989 at worst, where one part was kept by one alone.
    assert overlap(mask, truth) > 0.98
    block = cv2.distanceTransform(np.pad((mask != truth).astype(np.uint8), 1), cv2.DIST_C, 3).max()
    assert 2 * block - 1 <= side


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (97, 31), (352, 352), (1080, 1921)])
def test_the_mask_has_the_photos_size_and_two_values(size):
    height_px, width_px = size
    mask, threshold = founding_mask(crack_map(7), height_px, width_px, FOUNDING_PARAMETERS)
    assert mask.shape == size
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 255}
    assert 0.0 < threshold < 1.0


def test_a_bright_rectangle_lands_where_it_is():
    probabilities = np.full((100, 100), 0.05, np.float32)
    probabilities[20:40, 50:90] = 0.95
    mask, _ = founding_mask(probabilities, 1000, 2000, FOUNDING_PARAMETERS)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    map_pixel = (10, 20)
    assert (rows[0], rows[-1]) == pytest.approx((200, 399), abs=map_pixel[0])
    assert (columns[0], columns[-1]) == pytest.approx((1000, 1799), abs=map_pixel[1])


@pytest.mark.parametrize("denoise", ["gaussian", "bilateral"])
def test_denoising_lowers_noise_and_keeps_the_mean(denoise):
    noisy = np.random.default_rng(1).normal(0.4, 0.05, (64, 64)).astype(np.float32)
    smooth = denoised(noisy, replace(FOUNDING_PARAMETERS, denoise=denoise))
    assert smooth.std() < 0.8 * noisy.std()
    assert smooth.mean() == pytest.approx(noisy.mean(), abs=0.01)


def test_the_bilateral_filter_keeps_an_edge_that_the_gaussian_softens():
    step = np.repeat(np.array([[0.1] * 20 + [0.9] * 20], np.float32), 40, axis=0)
    kept = denoised(step, replace(FOUNDING_PARAMETERS, denoise="bilateral"))
    softened = denoised(step, FOUNDING_PARAMETERS)
    assert np.abs(kept - step).max() < 0.01 < np.abs(softened - step).max()


def test_a_side_of_one_leaves_a_step_out():
    bare = replace(FOUNDING_PARAMETERS, denoise_px=1, opening_px=1, closing_px=1)
    probabilities = crack_map(3)
    mask, threshold = founding_mask(probabilities, probabilities.shape[0], probabilities.shape[1], bare)
    assert np.array_equal(mask > 0, eight_bit(probabilities) / 255.0 > threshold)
