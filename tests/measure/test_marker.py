import io
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.measure.tilted import SIDE_MM, shot
from wallscan.domain.review import ReviewReason
from wallscan.measure.marker import MIN_SIDE_PX, draw_marker, find_plane
from wallscan.measure.paper import DPI, marker_sheet
from wallscan.measure.scale import Plane


def pasted(*markers, height_px=600, width_px=900):
    """A bright wall with markers: number, x, y, side."""
    wall = np.full((height_px, width_px), 200, np.uint8)
    for number, x, y, side in markers:
        wall[y : y + side, x : x + side] = draw_marker(number, side)
    return wall


def test_a_marker_straight_ahead():
    plane = find_plane(pasted((0, 100, 100, 140)), 70.0)
    assert isinstance(plane, Plane)
    assert plane.mm_per_px == pytest.approx(0.5, rel=0.005)
    assert plane.reference_px == pytest.approx((169.5, 169.5), abs=0.5)


def test_no_marker_a_small_one_and_a_part_of_one_are_not_found():
    part = pasted((0, 100, 100, 140))
    part[100:240, 180:240] = 200
    tiny = pasted((0, 100, 100, round(MIN_SIDE_PX) - 8))
    for photo in (pasted(), part, tiny, np.zeros((1, 4000), np.uint8), np.full((3, 3), 255, np.uint8)):
        assert find_plane(photo, SIDE_MM) is ReviewReason.MARKER_NOT_FOUND


def test_two_markers_of_one_size_agree_and_two_of_different_sizes_do_not():
    agreeing = find_plane(pasted((0, 60, 100, 140), (1, 600, 300, 140)), SIDE_MM)
    assert isinstance(agreeing, Plane)
    assert find_plane(pasted((0, 60, 100, 140), (0, 600, 300, 100)), SIDE_MM) is ReviewReason.MARKERS_DISAGREE


@pytest.mark.parametrize("side_px", [30, 40, 47])
def test_a_marker_too_small_to_give_a_plane_still_contradicts_another(side_px):
    assert side_px < MIN_SIDE_PX
    both = pasted((0, 60, 100, 200), (1, 600, 300, side_px))
    assert find_plane(both, SIDE_MM) is ReviewReason.MARKERS_DISAGREE


def test_a_small_marker_is_allowed_what_its_corners_may_be_off():
    """A side of 47 px is 6 % under one of 50: more than two large markers may differ."""
    assert isinstance(find_plane(pasted((0, 60, 100, 50), (1, 600, 300, 47)), SIDE_MM), Plane)
    large = pasted((0, 60, 100, 250), (1, 600, 300, 235))
    assert find_plane(large, SIDE_MM) is ReviewReason.MARKERS_DISAGREE


def test_two_markers_on_a_tilted_wall_agree_though_one_is_smaller_in_the_photo():
    rng = np.random.default_rng(2)
    both = ((3, -70.0, 0.0, 1.0), (4, 80.0, 20.0, 1.0))
    assert isinstance(find_plane(shot(rng, tilt_deg=30, side_px=140, markers=both).grey, SIDE_MM), Plane)
    unlike = ((3, -70.0, 0.0, 1.0), (4, 80.0, 20.0, 0.8))
    seen = shot(np.random.default_rng(2), tilt_deg=30, side_px=140, markers=unlike)
    assert find_plane(seen.grey, SIDE_MM) is ReviewReason.MARKERS_DISAGREE


@pytest.mark.parametrize("seed", [7, 10])
@pytest.mark.parametrize(("size", "agrees"), [(1.0, True), (0.9, False), (0.6, False)])
def test_a_marker_far_down_an_oblique_wall_is_judged_by_its_size_alone(seed, size, agrees):
    markers = ((3, -280.0, 0.0, 1.0), (4, 280.0, 0.0, size))
    rng = np.random.default_rng(seed)
    seen = shot(rng, tilt_deg=50, side_px=200, markers=markers, height_px=2000, width_px=2400)
    plane = find_plane(seen.grey, SIDE_MM)
    assert isinstance(plane, Plane) is agrees
    if isinstance(plane, Plane):
        both_mm = np.array([[(-280.0, 0.0), (280.0, 0.0)]])
        both_px = cv2.perspectiveTransform(both_mm, np.linalg.inv(seen.plane.homography))[0]
        assert not plane.holds_at(np.asarray(both_px, np.float64))


def test_the_plane_is_that_of_the_whole_photo_where_a_smaller_picture_is_searched():
    whole = pasted((0, 200, 200, 280), height_px=1200, width_px=1800)
    small = cv2.resize(whole, (900, 600), interpolation=cv2.INTER_AREA)
    one, other = find_plane(whole, SIDE_MM), find_plane(small, SIDE_MM, scale=2.0)
    assert isinstance(one, Plane)
    assert isinstance(other, Plane)
    assert other.mm_per_px == pytest.approx(one.mm_per_px, rel=0.005)
    assert other.reference_px == pytest.approx(one.reference_px, abs=0.6)


@pytest.mark.parametrize("side_mm", [50.0, 123.4])
def test_a_printed_sheet_is_found_and_to_scale(side_mm):
    sheet = Image.open(io.BytesIO(marker_sheet(side_mm, 7, "PNG")))
    assert sheet.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
    plane = find_plane(np.asarray(sheet), side_mm)
    assert isinstance(plane, Plane)
    assert plane.mm_per_px == pytest.approx(25.4 / DPI, rel=0.002)


def test_a_sheet_as_pdf_has_the_size_of_the_sheet():
    pdf = marker_sheet(100.0, 0, "PDF")
    png = Image.open(io.BytesIO(marker_sheet(100.0, 0, "PNG")))
    assert pdf.startswith(b"%PDF")
    (box,) = re.findall(rb"/MediaBox \[([^]]*)\]", pdf)
    points = [side_px * 72 / DPI for side_px in png.size]
    assert [float(number) for number in box.split()] == pytest.approx([0, 0, *points], abs=0.5)
