import cv2
import numpy as np
import pytest

from trainer.seams import find_seam

ENDS = {
    "upright": ((200, 0), (200, 400)),
    "leaning": ((180, 0), (230, 400)),
    "leaning back": ((230, 0), (180, 400)),
    "lying": ((0, 150), (400, 158)),
    "diagonal": ((40, 60), (330, 380)),
    "other diagonal": ((330, 60), (40, 380)),
}


def photo(start, end, width=2, seed=1):
    grey = np.random.default_rng(seed).normal(150, 6, (400, 400)).clip(0, 255).astype(np.uint8)
    cv2.line(grey, start, end, 90, width, cv2.LINE_AA)
    return grey


def box(start, end, margin):
    low, high = np.minimum(start, end) - margin, np.maximum(start, end) + margin
    corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    return np.clip(np.array(corners, np.float32), 0, 400)


@pytest.mark.parametrize("margin", [4, 10])
@pytest.mark.parametrize("name", ENDS)
def test_the_line_in_a_box_is_found(name, margin):
    start, end = ENDS[name]
    found = find_seam(photo(start, end), box(start, end, margin))
    truth = np.array((start, end), float)
    direction = (truth[1] - truth[0]) / np.linalg.norm(truth[1] - truth[0])
    normal = np.array([-direction[1], direction[0]])
    assert np.abs((found - truth[0]) @ normal).max() < 4


def test_an_empty_box_still_gives_a_line_inside_it():
    corners = box((100, 20), (140, 300), 0)
    found = find_seam(np.full((400, 400), 128, np.uint8), corners)
    assert (found >= corners.min(axis=0)).all()
    assert (found <= corners.max(axis=0)).all()
