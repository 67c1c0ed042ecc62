import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.annotation import Mark, box, polygon
from trainer.data.outlines import clip, same_shape, truth_of
from trainer.data.report import Reason
from trainer.data.sample import Region, Shape
from wallscan.photos.masks import encode_rle

WIDTH, HEIGHT = 40, 30
MARGIN = 60
inner = st.floats(-MARGIN, WIDTH + MARGIN, width=16)
whole = st.integers(-MARGIN, WIDTH + MARGIN)


@given(st.lists(st.tuples(whole, whole), min_size=3, max_size=12))
def test_a_cut_outline_marks_what_the_whole_one_marks_on_the_photo(points):
    """Up to lines: corners that were cut are rounded, and parts that leave and come back are joined there."""
    canvas = np.zeros((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN), np.uint8)
    cv2.fillPoly(canvas, [np.array(points, np.int32) + MARGIN], 255)
    cut = clip(np.array(points, np.float64), (WIDTH, HEIGHT))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    if len(cut):
        Shape(cut.astype(np.float32), is_box=False).draw(mask)
    wanted = canvas[MARGIN : MARGIN + HEIGHT, MARGIN : MARGIN + WIDTH]
    # OpenCV sets a polygon's outline too, so a slit under a pixel wide is open or shut by chance.
    blocks = cv2.erode((mask != wanted).astype(np.uint8), np.ones((3, 3)), borderValue=0)
    assert not blocks.any()


@given(st.lists(st.tuples(inner, inner), min_size=3, max_size=12))
def test_a_cut_outline_stays_on_the_photo(points):
    cut = clip(np.array(points, np.float64), (WIDTH, HEIGHT))
    assert np.isfinite(cut).all()
    assert ((cut >= 0) & (cut <= (WIDTH, HEIGHT))).all()


@given(st.lists(st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)), min_size=3, max_size=12))
def test_an_outline_on_the_photo_is_left_alone(points):
    assert clip(np.array(points), (WIDTH, HEIGHT)).tolist() == [list(point) for point in points]


@given(inner, inner, inner, inner)
def test_a_cut_box_is_the_box_of_its_cut_corners(left, top, right, bottom):
    whole = box(left, top, right, bottom)
    assert isinstance(whole, np.ndarray)
    found, _ = truth_of(Mark("crack", whole, is_box=True), (WIDTH, HEIGHT), (WIDTH, HEIGHT))
    corners = np.clip(whole, 0, (WIDTH, HEIGHT))
    (low, high), area = (corners.min(0), corners.max(0)), np.ptp(corners[:, 0]) * np.ptp(corners[:, 1])
    if isinstance(found, Shape):
        assert found.points.min(0).tolist() == pytest.approx(low.tolist())
        assert found.points.max(0).tolist() == pytest.approx(high.tolist())
    else:
        assert found is Reason.OUTLINE_DEGENERATE
        assert area < 1.001


def test_a_corner_cut_off_makes_one_more():
    triangle = polygon((-10, 10, 30, 10, 30, 29))
    assert isinstance(triangle, np.ndarray)
    found, done = truth_of(Mark("crack", triangle), (WIDTH, HEIGHT), (WIDTH, HEIGHT))
    assert isinstance(found, Shape)
    assert sorted(found.points.tolist()) == [[0, 10], [0, 14.75], [30, 10], [30, 29]]
    assert done == (Reason.CLIPPED,)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((640, 480), (1280, 960), True),
        ((333, 250), (4000, 3000), True),  # 333.3 rounded
        ((640, 480), (480, 640), False),
        ((640, 480), (640, 481), True),
        ((640, 480), (640, 500), False),
    ],
)
def test_shapes_are_compared_up_to_rounding(one, other, same):
    assert same_shape(one, other) is same_shape(other, one) is same


def test_a_region_is_kept_as_it_is():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[3:9, 4:30] = 255
    runs = encode_rle(mask)
    assert truth_of(Mark("crack", runs), (WIDTH, HEIGHT), (WIDTH, HEIGHT)) == (Region(runs), ())
