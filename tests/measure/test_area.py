"""Polygons against plane geometry, however far from the photo their corners lie."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallscan.measure.area import filled, polygon_area

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


def test_holes_in_a_wall_are_wall():
    wall = np.zeros((80, 100), np.uint8)
    wall[10:70, 10:90] = 255
    whole = wall.copy()
    wall[30, 20:80] = 0
    assert np.array_equal(filled(wall), whole)
    assert not filled(np.zeros((5, 5), np.uint8)).any()
