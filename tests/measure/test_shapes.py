"""Known shapes, properties that hold for all, and masks that are no crack pattern at all."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tests.measure.truth import paint, random_crack
from wallscan.measure.raster import RASTER_PX, reduced, reduction
from wallscan.measure.shapes import MAX_PARTS, MAX_POLYLINE_POINTS, shapes

small_masks = arrays(
    np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.sampled_from([0, 255])
)


def drawn(height_px, width_px, *lines, width=5):
    mask = np.zeros((height_px, width_px), np.uint8)
    for one, other in lines:
        cv2.line(mask, one, other, 255, width)
    return mask


def cracked(seed):
    rng = np.random.default_rng(seed)
    return paint([random_crack(rng, 300, rng.uniform(2, 8), wander=0.4) for _ in range(2)], 300, 300)


def turned_by(one_deg, other_deg):
    """Degrees between two directions of lines, 0 to 90: 179 and 1 are 2 apart."""
    apart = abs(one_deg - other_deg) % 180
    return min(apart, 180 - apart)


def test_nothing_has_no_shape():
    found = shapes(np.zeros((40, 50), np.uint8))
    assert (found.cracks, found.length_px, found.branch_points, found.largest) == (0, 0.0, 0, None)
    assert found.orientation.dominant_deg is None
    assert not found.too_complex


def test_a_level_and_an_upright_bar():
    level, upright = np.zeros((60, 200), np.uint8), np.zeros((200, 60), np.uint8)
    level[28:33, 20:180] = 255
    upright[20:180, 28:33] = 255
    for mask, way in ((level, 0.0), (upright, 90.0)):
        found = shapes(mask)
        assert found.length_px == pytest.approx(160, abs=1)
        assert turned_by(found.orientation.dominant_deg, way) < 0.5
        assert found.orientation.coherence > 0.99
        assert max(found.steps.width_px[found.steps.steady]) == pytest.approx(5, abs=0.6)


def test_a_line_that_rises_to_the_right_has_a_positive_angle():
    rising = drawn(300, 300, ((40, 260), (260, 40)))
    assert shapes(rising).orientation.dominant_deg == pytest.approx(45, abs=1)
    assert shapes(rising[::-1].copy()).orientation.dominant_deg == pytest.approx(135, abs=1)
    histogram = shapes(rising).orientation.histogram_pct
    assert len(histogram) == 12
    assert histogram[3] > 90
    assert sum(histogram) == pytest.approx(100, abs=0.1)


def test_crossings_and_forks_are_branch_points():
    cross = drawn(300, 300, ((40, 150), (260, 150)), ((150, 40), (150, 260)))
    fork = drawn(300, 300, ((150, 260), (150, 150)), ((150, 150), (60, 50)), ((150, 150), (240, 50)))
    bump = drawn(300, 300, ((40, 150), (260, 150)), width=9)
    bump[144:147, 150:154] = 255
    assert [shapes(mask).branch_points for mask in (cross, fork, bump)] == [1, 1, 0]


def test_the_largest_crack_is_the_longest_and_its_polyline_runs_through_it():
    mask = drawn(400, 600, ((20, 50), (500, 80)), ((20, 300), (100, 300)))
    cv2.circle(mask, (520, 300), 40, 255, -1)  # more area, less length
    largest = shapes(mask).largest
    assert largest is not None
    assert largest.length_px == pytest.approx(np.hypot(480, 30) + 5, abs=4)
    ends = sorted((largest.polyline_px[0], largest.polyline_px[-1]))
    assert ends[0] == pytest.approx([18, 50], abs=4)
    assert ends[1] == pytest.approx([502, 80], abs=4)


def test_small_gaps_are_bridged_and_large_ones_are_not():
    near = drawn(600, 1280, ((40, 300), (400, 300)), ((410, 300), (800, 300)))
    far = drawn(600, 1280, ((40, 300), (400, 300)), ((460, 300), (800, 300)))
    assert [shapes(mask).cracks for mask in (near, far)] == [1, 2]


def test_a_ring_has_a_length_and_no_branch():
    mask = np.zeros((300, 300), np.uint8)
    cv2.circle(mask, (150, 150), 100, 255, 5)
    found = shapes(mask)
    assert found.length_px == pytest.approx(2 * np.pi * 100, rel=0.02)
    assert found.branch_points == 0


@settings(deadline=None, max_examples=60)
@given(small_masks)
def test_any_mask_is_measured_the_same_each_time(mask):
    one, other = shapes(mask), shapes(mask.copy())
    assert one.steps.step_px.tobytes() == other.steps.step_px.tobytes()
    assert (one.cracks, one.branch_points, one.largest) == (other.cracks, other.branch_points, other.largest)
    assert (one.cracks == 0) == (not mask.any())
    assert (one.length_px > 0) == bool(mask.any())


TURNS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "quarter": np.rot90,
    "upside down": np.flipud,
    "mirrored": np.fliplr,
}


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from(sorted(TURNS)))
def test_turning_and_mirroring_change_the_orientation_alone(seed, how):
    mask = cracked(seed)
    one, other = shapes(mask), shapes(np.ascontiguousarray(TURNS[how](mask)))
    assert one.cracks == other.cracks
    # Each may be off by the 5 % that are promised: a branch no longer than the crack is wide may be taken for
    # a bump from one side and not from the other. The next test says how rare that is.
    assert one.length_px == pytest.approx(other.length_px, rel=0.1)
    assert np.mean(one.steps.width_px) == pytest.approx(np.mean(other.steps.width_px), abs=0.15)
    if one.orientation.dominant_deg is not None and one.orientation.coherence > 0.3:
        expected = one.orientation.dominant_deg + 90 if how == "quarter" else -one.orientation.dominant_deg
        assert other.orientation.dominant_deg is not None
        assert turned_by(other.orientation.dominant_deg, expected) < 3


def test_lengths_of_turned_and_mirrored_masks_hardly_ever_differ():
    masks = [cracked(seed) for seed in range(40)]
    lengths = [shapes(mask).length_px for mask in masks]
    differences = [
        abs(shapes(np.ascontiguousarray(turn(mask))).length_px / length - 1)
        for mask, length in zip(masks, lengths, strict=True)
        for turn in TURNS.values()
    ]
    assert np.median(differences) < 0.005
    assert np.percentile(differences, 95) < 0.02


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000))
def test_twice_the_size_is_twice_the_length_and_width(seed):
    mask = cracked(seed)
    one, two = shapes(mask), shapes(np.kron(mask, np.ones((2, 2), np.uint8)))
    # Each may be off by what is promised: lengths by 5 %, mean widths by half a pixel.
    assert two.length_px == pytest.approx(2 * one.length_px, rel=0.1)
    assert np.mean(two.steps.width_px) == pytest.approx(2 * np.mean(one.steps.width_px), abs=1.5)


@pytest.mark.parametrize("width_px", [20, 45])
def test_a_broad_bar_is_as_long_as_it_is_to_its_square_ends(width_px):
    """From where its centre line is trusted, the way to its end is longer than any that a thin crack has."""
    mask = np.zeros((100, 460), np.uint8)
    mask[20 : 20 + width_px, 30:430] = 255
    found = shapes(mask)
    assert found.length_px == pytest.approx(400, abs=1)
    assert found.branch_points == 0


@pytest.mark.parametrize("askew", [False, True])
@pytest.mark.parametrize("width_px", [5, 20, 40, 60])
def test_the_corners_of_a_flared_end_are_no_branches(width_px, askew):
    """Into the corners of such an end it is farther than into those of a square one."""
    mask = np.zeros((220, 520), np.uint8)
    flare, skew = (width_px // 3, width_px // 4) if askew else (width_px // 2, 0)
    top, bottom = 110 - width_px // 2, 110 + width_px // 2
    end = [(460 - skew, top - flare), (460 + skew, bottom + flare)]
    corners = [(60, top), (460 - width_px, top), *end, (460 - width_px, bottom), (60, bottom)]
    cv2.fillPoly(mask, [np.array(corners, np.int32)], (255,))
    found = shapes(mask)
    assert found.branch_points == 0
    assert found.length_px == pytest.approx(400, abs=3)


@pytest.mark.parametrize("width_px", [3, 5, 9])
def test_a_fork_near_a_lines_end_is_a_branch_point(width_px):
    """Its prongs are two widths long: more than any corner is away."""
    reach = 2 * width_px
    tips = [(200 + reach, 100 - reach), (200 + reach, 100 + reach)]
    fork = drawn(200, 300, ((40, 100), (200, 100)), *(((200, 100), tip) for tip in tips), width=width_px)
    assert shapes(fork).branch_points == 1


@pytest.mark.parametrize("first_px", [8, 15, 20])
def test_side_branches_near_a_cracks_ends_are_not_taken_off_one_after_the_other(first_px):
    """Each is as short as the way into a corner may be: with the line's own end one makes a fork."""
    crack = np.zeros((200, 760), np.uint8)
    crack[92:108, 60:680] = 255
    comb, places = crack.copy(), [first_px + 18 * number for number in range(4)]
    for x in (*(60 + place for place in places), *(680 - place for place in places)):
        cv2.line(comb, (x, 100), (x, 81), 255, 4)
    found = shapes(comb)
    assert found.branch_points >= 6
    assert found.length_px > shapes(crack).length_px + 6 * 19


@pytest.mark.parametrize("reach_px", [11, 12, 13])
@pytest.mark.parametrize(("first_deg", "step_deg"), [(5, 7), (6, 8), (8, 9)])
def test_a_crack_loses_no_length_to_its_side_branches(reach_px, first_deg, step_deg):
    crack = np.zeros((300, 300), np.uint8)
    cv2.ellipse(crack, (150, 150), (90, 90), 0, 0, 270, 255, 10)
    comb, bent = crack.copy(), first_deg + step_deg * np.arange(3)
    for angle in np.radians(np.concatenate((bent, 270 - bent))):
        way = np.array((np.cos(angle), np.sin(angle)))
        one, other = (np.rint(150 + radius * way).astype(int).tolist() for radius in (90, 90 + reach_px))
        cv2.line(comb, one, other, 255, 3)
    assert shapes(comb).length_px > shapes(crack).length_px


@pytest.mark.parametrize("size", [(1, 9000), (9000, 1), (1, 1), (2, 2)])
def test_masks_of_one_pixel_height_or_width(size):
    found = shapes(np.full(size, 255, np.uint8))
    assert found.cracks == 1
    assert found.length_px == pytest.approx(max(size), abs=2)


def test_masks_that_are_no_crack_pattern_are_given_up():
    rng = np.random.default_rng(0)
    full = shapes(np.full((3000, 4000), 255, np.uint8))
    dense = shapes(np.where(rng.random((3000, 4000)) < 0.5, np.uint8(255), np.uint8(0)))
    sparse = shapes(np.where(rng.random((1200, 1600)) < 0.02, np.uint8(255), np.uint8(0)))
    assert (full.cracks, full.too_complex) == (1, False)
    assert dense.too_complex
    assert sparse.too_complex
    assert sparse.length_px == 0.0


def test_a_hundred_megapixels_are_measured_on_a_few():
    assert reduction(3000, 4000, 11.4) == 3
    mask = np.zeros((8700, 11500), np.uint8)
    raster, factor = reduced(mask, 1.0)
    assert (factor, raster.shape) == (5, (8700 // 5, 11500 // 5))
    assert raster.size <= RASTER_PX < 8700 * 11500 / 4**2
    cv2.line(mask, (500, 500), (10_500, 8_000), 255, 60)
    found = shapes(mask)
    assert found.length_px == pytest.approx(12_500 + 60, rel=0.01)


def test_a_thin_end_of_a_wide_part_is_kept():
    mask = np.zeros((600, 1500), np.uint8)
    mask[200:400, 100:700] = 255
    mask[298:302, 700:1400] = 255
    found = shapes(mask)
    assert found.length_px > 1100
    thin = found.steps.width_px[(found.steps.middle_px[:, 0] > 900) & found.steps.steady]
    assert np.median(thin) == pytest.approx(4, abs=1)


def test_a_polyline_has_a_bounded_number_of_points():
    rng = np.random.default_rng(4)
    steps = rng.integers(-9, 10, (900, 2)) + np.array((3, 0))
    walk = np.cumsum(steps, axis=0) + np.array((60, 500))
    mask = np.zeros((1400, 3200), np.uint8)
    cv2.polylines(mask, [walk.astype(np.int32)], isClosed=False, color=255, thickness=2)
    largest = shapes(mask).largest
    assert largest is not None
    assert 2 <= len(largest.polyline_px) <= MAX_POLYLINE_POINTS


def test_more_parts_than_can_be_followed_are_counted_and_said_to_be_too_many():
    mask = np.zeros((1200, 1200), np.uint8)
    mask[::12, ::12] = 255
    assert np.count_nonzero(mask) > MAX_PARTS
    assert shapes(mask).too_complex
