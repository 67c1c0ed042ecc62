import cv2
import numpy as np
import pytest

from wallscan.measure.raster import PIXELS_PER_CELL, reduced


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 11, 12])
def test_a_pixel_is_set_where_half_of_what_it_covers_is(factor):
    rng = np.random.default_rng(factor)
    height, width = 20 * factor - min(factor - 1, 2), 15 * factor
    mask = np.where(cv2.blur(rng.random((height, width)), (3, 3)) > 0.5, 255, 0).astype(np.uint8)
    raster, by = reduced(mask, factor * PIXELS_PER_CELL)
    assert by == factor
    whole = np.pad(mask, ((0, -height % factor), (0, 0)), mode="edge") == 255
    shares = whole.reshape(20, factor, 15, factor).mean(axis=(1, 3))
    assert np.array_equal(raster, shares >= 0.5)
    assert 0 < raster.mean() < 1
