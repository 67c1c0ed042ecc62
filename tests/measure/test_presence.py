import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label, regionprops

from wallscan.measure.presence import CERTAINTIES, extent, local_mean, presence_score
from wallscan.models import Gate

SIDE = 128


def line(length, probability, width=2):
    made = np.zeros((SIDE, SIDE), np.float32)
    made[60 : 60 + width, 10 : 10 + length] = probability
    return made


def gate(presence_by):
    return Gate(family=None, presence=0.5, presence_by=presence_by)


def test_a_line_counts_by_its_length_and_its_certainty():
    assert extent(line(64, 0.95), SIDE) == pytest.approx(0.9 * np.hypot(64, 2) / SIDE)
    assert extent(line(64, 0.45), SIDE) == pytest.approx(0.4 * np.hypot(64, 2) / SIDE)
    assert extent(line(100, 0.45), SIDE) > extent(line(40, 0.95), SIDE)


def test_many_sure_dots_are_no_crack():
    dots = np.zeros((SIDE, SIDE), np.float32)
    dots[4::12, 4::12] = dots[5::12, 4::12] = dots[4::12, 5::12] = 1.0
    faint = line(100, 0.35)
    assert extent(dots, SIDE) < 0.05 < extent(faint, SIDE)
    blob = np.zeros((SIDE, SIDE), np.float32)
    blob[40:48, 40:48] = 1.0
    assert local_mean(blob, SIDE) > local_mean(faint, SIDE), "which is why gates are fitted on lengths"
    assert extent(blob, SIDE) < extent(faint, SIDE)


def test_a_sure_line_with_a_faint_tail_counts_as_the_better_of_both():
    tail = np.maximum(line(30, 0.95), line(100, 0.25))
    assert extent(tail, SIDE) == max(extent(line(30, 0.95), SIDE), extent(line(100, 0.25), SIDE))


def test_nothing_is_nothing_and_everything_is_at_most_one():
    assert extent(np.zeros((SIDE, SIDE), np.float32), SIDE) == 0.0
    assert extent(np.ones((SIDE, SIDE), np.float32), SIDE) == 1.0
    assert extent(np.ones((3 * SIDE, SIDE), np.float32), SIDE) == 1.0


@given(
    arrays(np.float32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.floats(0, 1, width=32))
)
def test_it_is_the_best_product_of_all_certainties(probability):
    def longest(certainty):
        parts = regionprops(label(probability > certainty, connectivity=2))
        boxes = [(bottom - top, right - left) for top, left, bottom, right in (part.bbox for part in parts)]
        return max([np.hypot(*sides) for sides in boxes], default=0.0)

    best = max(certainty * longest(certainty) for certainty in CERTAINTIES) / 20
    assert extent(probability, 20) == pytest.approx(min(best, 1.0))


@pytest.mark.parametrize("presence_by", [None, "extent"])
def test_a_score_is_judged_in_views_as_wide_as_gates_were_fitted_on(presence_by):
    view = line(64, 0.8, width=6)
    mosaic = np.zeros((3 * SIDE, 4 * SIDE), np.float32)
    mosaic[SIDE : 2 * SIDE, SIDE : 2 * SIDE] = view
    score = presence_score(view, gate(presence_by))
    assert presence_score(mosaic, gate(presence_by), SIDE) == pytest.approx(score, abs=0.02)
    assert presence_score(mosaic, gate(presence_by)) < score


def test_the_gate_says_which_score_it_is_a_level_of():
    probability = line(64, 0.8, width=6)
    assert presence_score(probability, gate(None)) == local_mean(probability, SIDE)
    assert presence_score(probability, gate("extent")) == extent(probability, SIDE)
