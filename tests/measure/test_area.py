"""Polygons against plane geometry, however far from the photo their corners lie."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallscan.measure.area import GAP_SHARE, closed, polygon_area

HEIGHT, WIDTH = 80, 100
PLACES = tuple(np.mgrid[:HEIGHT, :WIDTH].astype(np.float64))
coordinates = st.one_of(st.integers(-20, 120), st.integers(-(10**4), 10**4), st.integers(-(10**9), 10**9))
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8)


def inside_and_off_edge(corners):
    """Even-odd: whether each pixel's middle is inside, and how far it is from the nearest edge."""
    y, x = PLACES
    inside, off = np.zeros(y.shape, np.bool_), np.full(y.shape, np.inf)
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        over_x, over_y = x1 - x0, y1 - y0
        squared = float(over_x**2 + over_y**2) or 1.0
        along = (((x - x0) * over_x + (y - y0) * over_y) / squared).clip(0, 1)
        off = np.minimum(off, np.hypot(x - x0 - along * over_x, y - y0 - along * over_y))
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * over_x / over_y)
    return inside, off


@given(polygons)
def test_a_polygon_is_what_geometry_says_to_a_pixel_at_its_edges(corners):
    inside, off = inside_and_off_edge(corners)
    area = polygon_area(corners, HEIGHT, WIDTH)
    assert area.shape == (HEIGHT, WIDTH)
    assert area.dtype == np.uint8
    assert np.array_equal(area[off > 1.5] == 255, inside[off > 1.5])
    assert set(np.unique(area)) <= {0, 255}


@pytest.mark.parametrize("far", [200, 10_000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("slope", [-2.3, -0.4, 0.0, 0.4, 11.0])
def test_a_half_plane_is_the_photo_below_its_line(far, slope):
    """Corners so far out that the photo sees one edge alone, through its middle."""
    reach = far / np.hypot(1, slope)
    ends = [(50 + side * reach, 40 + side * reach * slope) for side in (-1, 1)]
    down = (-slope * reach, reach)
    area = polygon_area([*ends, *((x + down[0], y + down[1]) for x, y in ends[::-1])], HEIGHT, WIDTH)
    y, x = PLACES
    below_by = (y - 40 - slope * (x - 50)) / np.hypot(1, slope)
    assert area[below_by > 1].all()
    assert not area[below_by < -1].any()


def test_a_polygon_is_cut_at_the_photos_edge():
    half = polygon_area([(-1e6, -50), (49, -50), (49, 1e6), (-1e6, 1e6)], HEIGHT, WIDTH)
    assert half[:, :50].all()
    assert not half[:, 50:].any()
    assert not polygon_area([(200, 200), (300, 200), (300, 300)], HEIGHT, WIDTH).any()


def test_a_polygon_round_the_photo_is_all_of_it_and_one_beside_it_nothing():
    assert polygon_area([(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)], HEIGHT, WIDTH).all()
    beside_x = ((-1e9, -1), (WIDTH, 1e9), (-1e9, 1e9), (-1e9, 1e9))
    beside_y = ((-1e9, 1e9), (-1e9, 1e9), (-1e9, -1), (HEIGHT, 1e9))
    for (left, right), (top, bottom) in zip(beside_x, beside_y, strict=True):
        beside = [(left, top), (right, top), (right, bottom), (left, bottom)]
        assert not polygon_area(beside, HEIGHT, WIDTH).any()


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize(("left", "right"), [(50, 560), (50, 640), (0, 560), (0, 640)])
@pytest.mark.parametrize("scale", [1, 3])
def test_a_crack_is_wall_where_it_ends_in_it_and_where_it_leaves_the_photo(left, right, scale, upright):
    wall = np.full((480 * scale, 640 * scale), 255, np.uint8)
    for place in range(left * scale, right * scale):
        middle = (200 + place // 6) if scale == 1 else 700 + place // 11
        wall[middle : middle + 9 * scale, place] = 0
    wall = np.ascontiguousarray(wall.T) if upright else wall
    assert not wall.all()
    assert closed(wall).all()


def test_windows_and_what_lies_beside_a_wall_stay_out():
    wall = np.full((480, 641), 255, np.uint8)
    wall[100:220, 200:300] = 0  # a window within
    wall[300:340, 610:] = 0  # one that the photo cuts to less than a crack's width
    wall[470:] = 0  # a skirting board along the photo's edge
    whole = wall.copy()
    wall[150:156, 300:] = 0  # a crack from the window out of the photo
    assert np.array_equal(closed(wall), whole)


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("width_px", [64, 100, 150, 640, 641, 1365, 2000, 3072, 4000, 4032, 5000])
def test_a_gap_is_closed_up_to_a_share_of_the_longer_side_wherever_it_begins(width_px, upright):
    def after(gap_px, begin):
        wall = np.full((1, width_px), 255, np.uint8)
        wall[0, begin : begin + gap_px] = 0
        return wall, closed(np.ascontiguousarray(wall.T)).T if upright else closed(wall)

    share_px = GAP_SHARE * width_px
    narrow, wide = math.ceil(share_px) - 1, math.ceil(1.125 * share_px)
    for begin in range(width_px // 3, width_px // 3 + 24):
        assert after(narrow, begin)[1].all()
        assert np.array_equal(*after(wide, begin))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (12, 16), (1, 9000), (9000, 1)])
def test_any_size_of_photo_keeps_its_wall_and_gets_none_from_nothing(size):
    wall = np.where(np.random.default_rng(0).random(size) < 0.5, np.uint8(255), np.uint8(0))
    area = closed(wall)
    assert area.shape == size
    assert area.dtype == np.uint8
    assert area[wall > 0].all()
    assert max(size) > 16 or np.array_equal(area, wall)
    assert not closed(np.zeros(size, np.uint8)).any()
