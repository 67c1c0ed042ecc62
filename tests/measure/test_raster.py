import cv2
import numpy as np
import pytest

from wallscan.measure.raster import EDGE_PX, PIXELS_PER_CELL, half_widths, reduced


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 11, 12])
def test_a_pixel_is_set_where_a_quarter_of_what_it_covers_is(factor):
    rng = np.random.default_rng(factor)
    height, width = 20 * factor - min(factor - 1, 2), 15 * factor
    mask = np.where(cv2.blur(rng.random((height, width)), (5, 5)) > 0.56, 255, 0).astype(np.uint8)
    raster, by = reduced(mask, factor * PIXELS_PER_CELL)
    assert by == factor
    whole = np.pad(mask, ((0, -height % factor), (0, 0)), mode="edge") == 255
    shares = whole.reshape(20, factor, 15, factor).mean(axis=(1, 3))
    assert np.array_equal(raster, shares >= 0.25)
    assert 0 < raster.mean() < 1


def bar(width_px, height_px=300, length_px=400):
    """A mask (300, 400) or larger with a level bar that begins at an odd place."""
    mask = np.zeros((height_px, length_px), np.uint8)
    mask[101 : 101 + width_px, 31:-31] = 255
    return mask


def middle(mask, factor):
    """Half the width on the middle line, in pixels of the mask, away from the bar's ends."""
    rows, columns = (-(-side // factor) for side in mask.shape)
    half = half_widths(mask, factor, slice(0, rows), slice(0, columns))
    return half[:, columns // 4 : -columns // 4].max(axis=0) * factor


@pytest.mark.parametrize("width_px", [1, 2, 9, 14, 31])
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 7])
def test_widths_are_those_of_the_mask_however_coarse_the_raster(factor, width_px):
    assert middle(bar(width_px), factor) == pytest.approx(width_px / 2, abs=EDGE_PX)


@pytest.mark.parametrize("width_px", [6, 9, 14])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_on_a_photo_too_large_to_be_measured_whole_they_are_right_to_a_pixel(factor, width_px):
    assert middle(bar(width_px, 3000, 4000), factor) == pytest.approx(width_px / 2, abs=1)


@pytest.mark.parametrize("size", [(300, 400), (2101, 2303)])
@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_box_of_the_raster_has_the_widths_of_the_whole(factor, size):
    rng = np.random.default_rng(factor)
    mask = np.zeros(size, np.uint8)
    blobs = cv2.GaussianBlur(rng.normal(size=(171, 203)), (0, 0), 9) > 0.01
    mask[57 : 57 + 171, 91 : 91 + 203] = np.where(blobs, 255, 0)
    raster, _ = reduced(mask, factor * PIXELS_PER_CELL)
    left, top, width, height = cv2.boundingRect(raster)
    box = slice(top, top + height), slice(left, left + width)
    whole = half_widths(mask, factor, *(slice(0, side) for side in raster.shape))
    assert np.array_equal(half_widths(mask, factor, *box), whole[box])
