import cv2
import numpy as np
import pytest

from wallscan.segment.adaptive import broad, worth_a_look
from wallscan.segment.grid import Grid

SIDE = 320


def map_with(*shapes):
    """A whole photo's map: 0.9 in some (top, left, height, width), else 0.01."""
    one = np.full((SIDE, SIDE), 0.01, np.float32)
    for top, left, height, width in shapes:
        one[top : top + height, left : left + width] = 0.9
    return one


def lined(grid):
    """A wall with dark lines in every window."""
    image = np.full((grid.height, grid.width, 3), 220, np.uint8)
    for x in range(20, grid.width, 60):
        cv2.line(image, (x, 0), (x + 15, grid.height), (40, 40, 40), 3)
    return image


def plain(grid):
    return np.full((grid.height, grid.width, 3), 220, np.uint8)


@pytest.fixture
def grid():
    return Grid(960, 1280, SIDE)


def test_a_thin_find_is_a_reason_where_it_is_and_nowhere_else(grid):
    (chosen,) = worth_a_look(lined(grid), map_with((20, 20, 8, 60))[None], grid)
    assert 1 <= len(chosen) <= 4
    shown = {(window.top, window.left) for window in chosen}
    assert (0, 0) in shown
    assert not [place for place in shown if place[0] > 320 or place[1] > 640]


@pytest.mark.parametrize("shown", [map_with(), map_with((20, 20, 8, 60))])
def test_neither_lines_nor_the_map_are_a_reason_alone(grid, shown):
    image = plain(grid) if shown.max() > 0.5 else lined(grid)
    assert worth_a_look(image, shown[None], grid) == [()]


def test_what_the_whole_photo_shows_broad_is_no_reason(grid):
    """As a joint's band: windows would only cut it up."""
    (chosen,) = worth_a_look(lined(grid), map_with((100, 0, 60, SIDE))[None], grid)
    assert chosen == ()


def test_a_thin_find_beside_a_broad_one_is_a_reason_still(grid):
    (alone,) = worth_a_look(lined(grid), map_with((20, 20, 8, 60))[None], grid)
    (beside,) = worth_a_look(lined(grid), map_with((20, 20, 8, 60), (200, 0, 60, SIDE))[None], grid)
    assert beside == alone


def test_each_prompt_has_its_own_windows(grid):
    thin, band = map_with((20, 20, 8, 60)), map_with((100, 0, 60, SIDE))
    both = worth_a_look(lined(grid), np.stack([band, thin]), grid)
    assert both == [(), worth_a_look(lined(grid), thin[None], grid)[0]]


@pytest.mark.parametrize(
    ("shape", "share"),
    [
        ((100, 100, 20, 200), 0.0),
        ((100, 100, 30, 200), 1.0),
        ((0, 100, 30, 200), 1.0),
        ((0, 0, 14, 320), 0.0),
    ],
    ids=["thin", "broad", "broad at the edge", "thin along the edge"],
)
def test_broad_is_what_is_wider_than_24_cells_of_320(shape, share):
    top, left, height, width = shape
    assert broad(map_with(shape))[top : top + height, left : left + width].mean() == share


def test_what_hangs_together_with_something_broad_counts_as_broad():
    hanging = map_with((100, 100, 60, 60), (125, 160, 8, 100), (250, 20, 8, 100))
    found = broad(hanging)
    assert found[125:133, 160:260].all()
    assert not found[250:258, 20:120].any()


def test_a_map_that_is_not_finite_is_no_reason_and_no_failure(grid):
    one = map_with((20, 20, 8, 60))
    one[25, 25] = np.nan
    (chosen,) = worth_a_look(lined(grid), one[None], grid)
    assert len(chosen) < len(grid.windows)
