import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wallscan.domain.review import ReviewReason
from wallscan.domain.scale import ScaleSource, UniformScale
from wallscan.measure.measurements import TOO_FAR_MM_PER_PX, Circumstances, Measurements, measurements
from wallscan.measure.scale import Plane
from wallscan.records.measured_columns import MeasuredColumns
from wallscan.wire.measured import MEASURED_COLUMNS

CLEAR = Circumstances(cell_px=1.0, presence=0.9, gate=0.5)
masks = arrays(
    np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.sampled_from([0, 255])
)


def scaled(mm_per_px, **more):
    plane = Plane.uniform(UniformScale(mm_per_px, ScaleSource.GIVEN))
    return Circumstances(cell_px=more.pop("cell_px", 1.0), presence=0.9, gate=0.5, plane=plane, **more)


def bar(width_px=8, length_px=300):
    mask = np.zeros((100, 400), np.uint8)
    mask[40 : 40 + width_px, 50 : 50 + length_px] = 255
    return mask


def test_every_measurement_is_a_column_and_every_column_is_shown():
    columns = {name for name in vars(MeasuredColumns) if not name.startswith("_")}
    assert set(Measurements.__slots__) | {"basis"} == columns
    assert set(MEASURED_COLUMNS) < columns


def test_nothing_found_is_no_length_and_no_width():
    found = measurements(np.zeros((100, 400), np.uint8), scaled(0.5))
    assert (found.cells_found, found.cells_analysed, found.cracks) == (0, 64 * 16, 0)
    assert (found.length_px, found.length_mm, found.mean_width_px, found.max_width_mm) == (
        0.0,
        0.0,
        None,
        None,
    )
    assert (found.at_resolution_limit, found.width_band, found.review_reasons) == (None, None, [])


def test_millimetres_are_pixels_times_the_scale():
    found = measurements(bar(), scaled(0.5))
    assert (found.mm_per_px, found.scale_source) == (0.5, "given")
    assert found.length_px is not None
    assert found.length_mm == pytest.approx(found.length_px * 0.5, abs=0.01)
    for name in ("mean", "p95", "max"):
        px, mm = getattr(found, f"{name}_width_px"), getattr(found, f"{name}_width_mm")
        assert mm == pytest.approx(px * 0.5, abs=0.01)
    assert found.mean_width_px == pytest.approx(8, abs=0.1)
    assert found.width_band == 2


def test_lengths_go_by_the_scale_along_a_crack_and_widths_by_that_across():
    plane = Plane(np.diag((0.5, 0.25, 1.0)), ScaleSource.MARKER)
    level, upright = (
        measurements(mask, Circumstances(1.0, 0.9, 0.5, plane)) for mask in (bar(), bar().T.copy())
    )
    for found, along, across in ((level, 0.5, 0.25), (upright, 0.25, 0.5)):
        assert found.length_mm == pytest.approx(300 * along, rel=0.01)
        for name in ("mean", "p95", "max"):
            px, mm = getattr(found, f"{name}_width_px"), getattr(found, f"{name}_width_mm")
            assert mm == pytest.approx(px * across, rel=0.01)


def test_without_a_scale_there_are_no_millimetres():
    found = measurements(bar(), CLEAR)
    assert {getattr(found, name) for name in Measurements.__slots__ if "mm" in name or "band" in name} == {
        None
    }


@pytest.mark.parametrize(
    ("width_px", "cell_px", "at_limit"), [(8, 1.0, False), (2, 1.0, True), (8, 4.0, True)]
)
def test_a_width_of_less_than_three_pixels_of_photo_or_map_is_at_the_limit(width_px, cell_px, at_limit):
    found = measurements(bar(width_px), scaled(0.5, cell_px=cell_px))
    assert found.at_resolution_limit is at_limit
    assert (found.width_band is None) is at_limit
    assert (ReviewReason.RESOLUTION_LIMIT in found.review_reasons) is at_limit
    assert ReviewReason.RESOLUTION_LIMIT not in measurements(bar(width_px), CLEAR).review_reasons


def two_hairlines():
    """On 12 megapixels, narrower than three cells of a map of 352."""
    mask = np.zeros((3000, 4000), np.uint8)
    mask[500:526, 100:3900] = mask[1500:1526, 100:3900] = 255
    return mask


MAP_OF_352 = 4000 / 352


def test_a_wide_crack_is_told_among_hairlines_however_long():
    hairlines, both = two_hairlines(), two_hairlines()
    both[2400:2490, 1800:2250] = 255
    fine, wide = (measurements(mask, scaled(0.5, cell_px=MAP_OF_352)) for mask in (hairlines, both))
    assert (fine.at_resolution_limit, fine.width_band) == (True, None)
    assert (wide.at_resolution_limit, wide.width_band) == (False, 5)
    assert wide.max_width_mm == pytest.approx(45, abs=1)
    assert wide.p95_width_px == pytest.approx(fine.p95_width_px)
    assert wide.review_reasons == []


def test_wide_spots_along_a_hairline_tell_no_width():
    spotted = two_hairlines()
    for x in range(400, 3800, 300):
        cv2.circle(spotted, (x, 513), 22, 255, -1)
    found = measurements(spotted, scaled(0.5, cell_px=MAP_OF_352))
    assert found.max_width_px is not None
    assert found.max_width_px > 40
    assert (found.at_resolution_limit, found.width_band) == (True, None)


def test_a_line_that_falls_by_a_hair_is_level_and_not_at_180_degrees():
    mask = np.zeros((200, 2000), np.uint8)
    cv2.line(mask, (50, 100), (1950, 101), 255, 5)
    assert measurements(mask, CLEAR).orientation_deg == 0.0
    assert measurements(mask.T.copy(), CLEAR).orientation_deg == 90.0


def test_reasons_to_look_again():
    near = measurements(bar(), Circumstances(1.0, presence=0.52, gate=0.5))
    shut = measurements(bar(), Circumstances(1.0, presence=0.46, gate=0.5))
    assert near.review_reasons == shut.review_reasons == ["near_gate"]
    assert measurements(bar(), CLEAR).review_reasons == []
    far = measurements(bar(), scaled(TOO_FAR_MM_PER_PX * 1.1, reasons=(ReviewReason.BLURRED,)))
    assert far.review_reasons == ["blurred", "too_far"]


def test_a_mask_like_noise_says_so_and_keeps_what_can_be_counted():
    noise = np.where(np.random.default_rng(0).random((1500, 2000)) < 0.05, np.uint8(255), np.uint8(0))
    found = measurements(noise, scaled(0.5))
    assert found.review_reasons == ["too_complex"]
    assert (found.length_px, found.length_mm, found.max_width_px) == (None, None, None)
    assert found.cells_found > 0


def test_only_what_lies_in_the_area_is_measured():
    area = np.zeros((100, 400), np.uint8)
    area[:, :200] = 255
    found = measurements(bar(), CLEAR, area)
    assert found.length_px == pytest.approx(150, abs=1)
    assert found.cells_analysed == 64 * 16 / 2


def test_a_plane_that_stretches_too_far_gives_no_millimetres():
    homography = np.diag((0.5, 0.5, 1.0))
    homography[2] = (0.004, 0.0, 1.0)
    plane = Plane(homography, ScaleSource.MARKER, (10.0, 50.0))
    found = measurements(bar(), Circumstances(1.0, 0.9, 0.5, plane))
    assert (found.length_mm, found.width_band) == (None, None)
    assert found.mm_per_px is not None
    assert found.review_reasons == ["marker_too_oblique"]


@pytest.mark.parametrize("thin_px", [1, 2, 3, 4, 20])
@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("cell_px", [1.0, 60_000 / 352])
def test_a_thin_strip_has_no_crack_wider_than_itself(thin_px, upright, cell_px):
    """Whatever the map's cells are, which are far longer along the strip than it is wide."""
    strip = np.full((thin_px, 60_000), 255, np.uint8)
    strip[:, 20_000:30_000] = 0
    strip[:, 24_000:25_000] = 255
    found = measurements(np.ascontiguousarray(strip.T if upright else strip), scaled(0.5, cell_px=cell_px))
    assert found.cracks == 3
    assert found.length_px == pytest.approx(51_000, abs=3 * max(2, thin_px // 2))
    assert found.largest_crack_length_px == pytest.approx(30_000, abs=max(2, thin_px // 2))
    assert found.mean_width_px == pytest.approx(thin_px, rel=0.01)
    assert found.max_width_px == pytest.approx(thin_px, abs=1)
    assert found.orientation_deg == pytest.approx(90 if upright else 0, abs=0.5)
    assert found.branch_points == 0


@pytest.mark.parametrize("thin_px", [1, 2, 3, 4])
@pytest.mark.parametrize("cell_px", [1.0, 60_000 / 352])
def test_specks_along_a_thin_strip_are_parts_each_or_too_many(thin_px, cell_px):
    dots = np.zeros((thin_px, 60_000), np.uint8)
    dots[0, ::20] = 255
    found, more = measurements(dots, scaled(0.5, cell_px=cell_px)), dots.copy()
    assert found.length_px == pytest.approx(1.5 * 3000)  # a dot is as long as it is wide
    more[0, 5::10] = 255
    assert measurements(more, scaled(0.5, cell_px=cell_px)).review_reasons == ["too_complex"]


@settings(deadline=None, max_examples=60)
@given(masks, st.floats(0.01, 10))
def test_equal_masks_have_equal_numbers_that_make_sense(mask, mm_per_px):
    found = measurements(mask, scaled(mm_per_px))
    assert found == measurements(mask.copy(), scaled(mm_per_px))
    assert 0 <= found.cells_found <= found.cells_analysed
    if found.max_width_px is not None:
        assert found.p95_width_px is not None
        assert found.length_px is not None
        assert found.largest_crack_length_px is not None
        assert 0 < found.p95_width_px <= found.max_width_px
        assert found.largest_crack_length_px <= found.length_px + 0.01
        corners = np.array(found.largest_crack_polyline_px)
        assert (corners > -1.6).all()
        assert (corners < np.array(mask.shape)[::-1] + 0.6).all()
