import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.evaluation.negatives import MOST_SQUARES, clean_squares


@st.composite
def truths(draw):
    height, width = draw(st.integers(40, 160)), draw(st.integers(40, 160))
    truth = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 4))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        truth[top : top + draw(st.integers(1, 20)), left : left + draw(st.integers(1, 20))] = True
    return truth


@settings(max_examples=60, deadline=None)
@given(truths())
def test_squares_are_clean_disjoint_inside_and_always_the_same(truth):
    squares = clean_squares(truth)
    assert squares == clean_squares(truth)
    assert len(squares) <= MOST_SQUARES
    short = min(truth.shape)
    margin = round(short / 20)
    taken = np.zeros(truth.shape, int)
    for square in squares:
        assert short / 4 <= square.side <= short / 2
        assert square.left >= 0
        assert square.top >= 0
        assert square.left + square.side <= truth.shape[1]
        assert square.top + square.side <= truth.shape[0]
        rows = slice(max(0, square.top - margin), square.top + square.side + margin)
        columns = slice(max(0, square.left - margin), square.left + square.side + margin)
        assert not truth[rows, columns].any()
        taken[square.top : square.top + square.side, square.left : square.left + square.side] += 1
    assert taken.max() <= 1


def test_a_photo_without_the_thing_gives_its_four_quarters():
    squares = clean_squares(np.zeros((640, 640), bool))
    assert [(square.left, square.top, square.side) for square in squares] == [
        (0, 0, 319), (319, 0, 319), (0, 319, 319), (319, 319, 319)
    ]  # fmt: skip


def test_a_photo_full_of_it_gives_none():
    assert clean_squares(np.ones((64, 64), bool)) == []


def test_a_square_is_the_part_of_the_image_it_names():
    image = np.arange(20 * 20 * 3, dtype=np.uint8).reshape(20, 20, 3)
    square = clean_squares(np.zeros((20, 20), bool))[1]
    part = square.cut(image)
    assert part.shape == (square.side, square.side, 3)
    assert (part[0, 0] == image[square.top, square.left]).all()
