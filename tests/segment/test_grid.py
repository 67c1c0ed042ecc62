import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallscan.segment.grid import LONGEST_INPUTS, OVERLAP_SHARE, Grid, reduced_size, starts

lengths = st.integers(1, 300)
sides = st.integers(12, 120)
grids = st.builds(Grid, lengths, lengths, sides)
unhurried = settings(deadline=None, max_examples=50)


@unhurried
@given(grids)
def test_windows_lie_inside_and_cover_every_pixel(grid):
    covered = np.zeros((grid.height, grid.width), int)
    for window in grid.windows:
        assert window.top >= 0
        assert window.left >= 0
        assert window.height == min(grid.side, grid.height)
        assert window.width == min(grid.side, grid.width)
        assert covered[window.place].shape == (window.height, window.width)
        covered[window.place] += 1
    assert covered.min() >= 1


@unhurried
@given(grids)
def test_weights_made_to_sum_to_one_exist_everywhere(grid):
    total = grid.weights(grid.windows)
    assert total.min() > 0
    shares = np.zeros_like(total)
    for window in grid.windows:
        shares[window.place] += grid.weight / total[window.place]
    assert np.allclose(shares, 1, atol=1e-5)


@unhurried
@given(grids)
def test_every_pixel_lies_in_one_core_and_that_in_its_window(grid):
    cores = np.zeros((grid.height, grid.width), int)
    for window, core in zip(grid.windows, grid.cores, strict=True):
        assert window.top <= core.top
        assert core.top + core.height <= window.top + window.height
        assert window.left <= core.left
        assert core.left + core.width <= window.left + window.width
        cores[core.place] += 1
    assert (cores == 1).all()


@unhurried
@given(lengths, sides)
def test_neighbours_overlap(length, side):
    found = starts(length, side)
    steps = np.diff(found)
    assert (steps > 0).all()
    assert all(step <= np.ceil(side * (1 - OVERLAP_SHARE)) for step in steps)


@unhurried
@given(st.integers(1, 100_000), st.integers(1, 100_000), st.sampled_from((2, 3)), st.sampled_from((32, 352)))
def test_no_photo_has_too_many_tiles_or_is_enlarged(height_px, width_px, detail, input_px):
    height, width = reduced_size(height_px, width_px, detail, input_px)
    assert 1 <= height <= height_px
    assert 1 <= width <= width_px
    assert max(height, width) <= LONGEST_INPUTS * detail * input_px
    assert len(Grid(height, width, input_px).windows) <= 10 * detail**2


@pytest.mark.parametrize(("detail", "height", "width", "tiles"), [(2, 1056, 1408, 20), (3, 1584, 2112, 42)])
def test_what_a_camera_takes_is_looked_at_in_so_many_tiles(detail, height, width, tiles):
    assert reduced_size(3000, 4000, detail, 352) == (height, width)
    assert len(Grid(height, width, 352).windows) == tiles
