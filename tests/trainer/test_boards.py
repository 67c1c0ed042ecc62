import random

import numpy as np
import pytest

from trainer.boards import board, mark_box


@pytest.mark.parametrize("size", [96, 320])
def test_a_board_has_boxes_exactly_where_it_has_seams(size):
    for seed in range(12):
        image, mask = board(size, random.Random(seed), True, 0.3)
        assert image.shape == (size, size, 3)
        assert image.dtype == mask.dtype == np.uint8
        assert not board(size, random.Random(seed), False, 0.3)[1].any()
    marked = [board(size, random.Random(seed), True, 0.0)[1].any() for seed in range(40)]
    assert sum(marked) > 30  # a leaning board's seam may lie outside the frame


def test_a_box_holds_its_line_and_stays_in_the_frame():
    mask = np.zeros((100, 100), np.uint8)
    mark_box(mask, np.array([(30.0, -20.0), (50.0, 120.0)]), 3)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == (0, 99)
    assert columns.min() == pytest.approx(30 + 20 / 7 - 3, abs=2)
    assert columns.max() == pytest.approx(50 - 20 / 7 + 3, abs=2)
    assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_a_line_outside_the_frame_marks_nothing():
    mask = np.zeros((50, 50), np.uint8)
    mark_box(mask, np.array([(-30.0, -20.0), (-5.0, 80.0)]), 2)
    assert not mask.any()
