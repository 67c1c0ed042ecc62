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
def test_neither_lines_nor_a_fair_probability_are_a_reason_alone(grid, shown):
    image = plain(grid) if shown.max() > 0.5 else lined(grid)
    assert worth_a_look(image, shown[None], grid) == [()]


@pytest.mark.parametrize("row", [0, 80, 161, 319])
def test_a_find_counts_in_a_strip_of_a_photo_that_has_few_rows(row):
    """Sixty rows of a photo for 320 of its map: each row of the map counts all the same."""
    strip = Grid(60, 5000, SIDE)
    (chosen,) = worth_a_look(lined(strip), map_with((row, 20, 1, 60))[None], strip)
    assert chosen


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
    [((100, 100, 28, 200), 0), ((100, 100, 29, 200), 1), ((0, 100, 29, 200), 1), ((0, 0, 28, 320), 0)],
    ids=["thin", "broad", "broad at the edge", "thin along the edge"],
)
def test_broad_is_what_a_disc_of_29_cells_of_320_fits_into(shape, share):
    top, left, height, width = shape
    found = broad(map_with(shape))[top : top + height, left : left + width]
    assert found[:, 40:-40].mean() == share  # further out a disc does not reach into the corners


def test_bands_are_broad_whichever_way_they_run():
    for degrees in range(0, 180, 15):
        one = np.full((SIDE, SIDE), 0.01, np.float32)
        x, y = np.cos(np.radians(degrees)) * 120, np.sin(np.radians(degrees)) * 120
        start, end = ((round(160 + sign * x), round(160 + sign * y)) for sign in (1, -1))
        cv2.line(one, start, end, 0.9, 36)
        found = broad(one)
        assert found[160, 160], degrees
        assert np.array_equal(broad(np.ascontiguousarray(one[:, ::-1])), found[:, ::-1]), degrees


def test_a_crack_that_is_broad_where_it_branches_is_thin_farther_on():
    cracks = map_with((155, 0, 10, SIDE), (0, 155, SIDE, 10), (140, 140, 40, 40))
    found = broad(cracks)
    assert found[140:180, 140:180].all()
    assert not found[155:165, :60].any()
    assert not broad(map_with((155, 0, 20, SIDE), (0, 155, SIDE, 20))).any()  # a mere crossing


def test_what_hangs_on_something_broad_counts_as_broad_nearby():
    found = broad(map_with((100, 100, 60, 60), (125, 160, 8, 30), (250, 20, 8, 100)))
    assert found[125:133, 160:180].all()
    assert not found[250:258, 20:120].any()


def test_nothing_is_broad_in_a_map_of_a_few_cells():
    assert not broad(np.full((16, 16), 0.9, np.float32)).any()


def test_a_map_that_is_not_finite_is_no_reason_there_and_no_failure(grid):
    thin = map_with((20, 20, 8, 60), (280, 250, 8, 60))
    broken = thin.copy()
    broken[284, 260] = np.nan
    every, found = (set(worth_a_look(lined(grid), one[None], grid)[0]) for one in (thin, broken))
    place = (284 * 3, 260 * 4)
    near = {
        window
        for window in every
        if all(slice_.start <= at < slice_.stop for slice_, at in zip(window.place, place, strict=True))
    }
    assert found < every
    assert every - found <= near
