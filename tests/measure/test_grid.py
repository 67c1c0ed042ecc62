import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wallscan.measure.grid import CELLS_ALONG, cells_touched

masks = arrays(
    np.uint8, st.tuples(st.integers(1, 150), st.integers(1, 150)), elements=st.sampled_from([0, 255])
)


def test_one_pixel_touches_one_cell_wherever_it_is():
    for place in ((0, 0), (2999, 3999), (1234, 777)):
        mask = np.zeros((3000, 4000), np.uint8)
        mask[place] = 255
        cells = cells_touched(mask)
        assert (cells.found, cells.total) == (1, CELLS_ALONG * 48)


def test_a_level_line_touches_one_row_of_cells():
    mask = np.zeros((480, 640), np.uint8)
    mask[333] = 255
    assert cells_touched(mask).found == CELLS_ALONG


@given(masks)
def test_cells_are_bounded_and_turn_with_the_mask(mask):
    cells = cells_touched(mask)
    assert 0 <= cells.found <= cells.total
    assert (cells.found == 0) == (not mask.any())
    turned = cells_touched(np.ascontiguousarray(mask.T))
    assert turned == cells
    assert cells_touched(np.full_like(mask, 255)).found == cells.total


@pytest.mark.parametrize("size", [(1, 9000), (9000, 1), (1, 1), (3, 5)])
def test_thin_and_tiny_masks_have_cells(size):
    cells = cells_touched(np.full(size, 255, np.uint8))
    assert cells.found == cells.total == min(max(size), CELLS_ALONG) * (1 if min(size) == 1 else 3)
