"""Measurements against cracks whose length and width are known, because they were painted so."""

import numpy as np
import pytest

from tests.measure.tilted import SIDE_MM, shot
from tests.measure.truth import TrueCrack, on_photo, paint, random_crack
from wallscan.domain.scale import ScaleSource
from wallscan.measure.marker import find_plane
from wallscan.measure.measurements import Circumstances, measurements
from wallscan.measure.scale import Plane
from wallscan.measure.shapes import shapes

LENGTH_SHARE, WIDTH_PX, SCALE_SHARE, MM_SHARE = 0.05, 0.5, 0.01, 0.02
SIDE_PX = 700


@pytest.mark.parametrize("width_px", [1.5, 3.0, 5.0, 9.0, 16.0])
def test_length_and_mean_width_of_painted_cracks(width_px):
    rng = np.random.default_rng(round(width_px * 10))
    for _ in range(6):
        crack = random_crack(rng, SIDE_PX, width_px, wander=0.4)
        found = measurements(paint([crack], SIDE_PX, SIDE_PX), Circumstances(1.0, 1.0, 0.0))
        assert found.length_px == pytest.approx(crack.length_px, rel=LENGTH_SHARE)
        if width_px >= 3:
            assert found.mean_width_px == pytest.approx(crack.mean_width_px, abs=WIDTH_PX)


@pytest.mark.parametrize("width_px", [24.0, 32.0, 48.0])
def test_length_and_mean_width_of_wide_shapes(width_px):
    """As joints and bands of damage are: their ends are seldom square, for the width varies by a quarter."""
    rng = np.random.default_rng(round(width_px * 10) + 7)
    for _ in range(8):
        crack = random_crack(rng, SIDE_PX, width_px, wander=0.4)
        found = measurements(paint([crack], SIDE_PX, SIDE_PX), Circumstances(1.0, 1.0, 0.0))
        assert found.length_px == pytest.approx(crack.length_px, rel=LENGTH_SHARE)
        assert found.mean_width_px == pytest.approx(crack.mean_width_px, rel=LENGTH_SHARE)
        assert found.branch_points == 0


@pytest.mark.parametrize("cells", [352, 320])
@pytest.mark.parametrize("width_px", [3.0, 6.0, 9.0, 14.0])
def test_on_12_megapixels_that_a_map_of_so_many_cells_is_stretched_over(width_px, cells):
    """What a photo looked at whole gives: centre lines on a raster of 3 to 4 px, widths on one of 2."""
    rng, wide = np.random.default_rng(round(width_px * 10)), []
    for _ in range(8):
        crack = random_crack(rng, SIDE_PX, width_px, wander=0.4)
        mask = on_photo(paint([crack], SIDE_PX, SIDE_PX), rng)
        found = measurements(mask, Circumstances(mask.shape[1] / cells, 1.0, 0.0))
        assert found.at_resolution_limit
        assert found.length_px == pytest.approx(crack.length_px, rel=LENGTH_SHARE)
        assert found.mean_width_px == pytest.approx(crack.mean_width_px, abs=WIDTH_PX)
        assert found.p95_width_px is not None
        wide.append(found.p95_width_px - np.percentile(crack.width_px, 95))
    assert max(np.abs(wide)) < 4.0
    assert abs(np.median(wide)) < 1.6


def test_on_a_large_photo_that_is_measured_on_a_smaller_raster():
    crack = random_crack(np.random.default_rng(3), 2600, 14.0, wander=0.4)
    found = measurements(paint([crack], 2600, 2600), Circumstances(1.0, 1.0, 0.0))
    assert found.length_px == pytest.approx(crack.length_px, rel=0.02)
    assert found.mean_width_px == pytest.approx(crack.mean_width_px, abs=WIDTH_PX)
    path = np.array(found.largest_crack_polyline_px)
    nearest = np.hypot(*(path[:, None] - crack.line[None]).transpose(2, 0, 1)).min(axis=1)
    assert nearest.max() < 6.0


def test_the_widest_place_is_found():
    crack = random_crack(np.random.default_rng(8), SIDE_PX, 8.0, wander=0.3)
    found = measurements(paint([crack], SIDE_PX, SIDE_PX), Circumstances(1.0, 1.0, 0.0))
    assert found.p95_width_px == pytest.approx(np.percentile(crack.width_px, 95), abs=1.0)
    assert found.max_width_px == pytest.approx(crack.width_px.max(), abs=1.5)


@pytest.mark.parametrize("tilt_deg", [0, 15, 30])
def test_the_scale_of_a_marker_whatever_its_tilt(tilt_deg):
    rng = np.random.default_rng(tilt_deg)
    for side_px in (60, 140):
        taken = shot(rng, tilt_deg=tilt_deg, side_px=side_px)
        found = find_plane(taken.grey, SIDE_MM)
        assert isinstance(found, Plane)
        truth = Plane(taken.plane.homography, ScaleSource.MARKER, found.reference_px)
        assert found.mm_per_px == pytest.approx(truth.mm_per_px, rel=SCALE_SHARE)


@pytest.mark.parametrize("seed", range(4))
def test_a_crack_on_a_tilted_wall_has_the_millimetres_that_it_was_painted_with(seed):
    """Along the tilt a wall at 30 degrees is seen 13 % short, and its far side smaller than its near one."""
    rng = np.random.default_rng(seed)
    taken = shot(rng, tilt_deg=30, side_px=140)
    height_px, width_px = taken.grey.shape
    plane = find_plane(taken.grey, SIDE_MM)
    assert isinstance(plane, Plane)
    for _ in range(4):
        crack = random_crack(rng, 500, 10.0, wander=0.2)  # in millimetres, and so moved to the wall's middle
        crack = TrueCrack(crack.line - 250, crack.width_px)
        mask = paint([crack], height_px, width_px, taken.plane)
        found = measurements(mask, Circumstances(1.0, 1.0, 0.0, plane))
        assert found.length_mm == pytest.approx(crack.length_px, rel=MM_SHARE)
        assert found.mean_width_mm == pytest.approx(crack.mean_width_px, rel=MM_SHARE)


def test_a_tilted_walls_plane_is_right_along_and_across_the_tilt():
    taken = shot(np.random.default_rng(1), tilt_deg=30, side_px=140)
    plane = find_plane(taken.grey, SIDE_MM)
    assert isinstance(plane, Plane)
    x, y = plane.reference_px
    ways = np.array([(1, 0), (0, 1), (0.7, 0.7), (0.7, -0.7)])
    for way in ways:
        ends = np.array([[x, y], [x, y] + way * 200])
        measured, true = (np.hypot(*np.diff(one.to_mm(ends), axis=0)[0]) for one in (plane, taken.plane))
        assert measured == pytest.approx(true, rel=SCALE_SHARE)


def test_a_network_of_cracks_adds_up():
    rng = np.random.default_rng(5)
    cracks = [random_crack(rng, 900, 5.0, wander=0.2) for _ in range(3)]
    found = shapes(paint(cracks, 900, 900))
    true = sum(crack.length_px for crack in cracks)
    assert found.length_px == pytest.approx(true, rel=LENGTH_SHARE)
