import random

import numpy as np
import pytest

from trainer.augment import crop_window, mosaic


@pytest.mark.parametrize("side", [1, 7, 64])
def test_a_crop_has_at_least_a_pixel(side):
    mask = np.zeros((side, 2 * side), np.uint8)
    for seed in range(20):
        rows, columns = crop_window(mask, (1e-6, 1e-6), 0.5, random.Random(seed))
        assert mask[rows, columns].shape == (1, 1)


@pytest.mark.parametrize("size", [32, 33])
def test_a_mosaic_has_the_size_of_a_frame(size):
    parts = [np.full((size, size, 3), level, np.uint8) for level in (10, 20, 30, 40)]
    whole = mosaic(parts, size)
    assert whole.shape == (size, size, 3)
    assert whole[[0, 0, -1, -1], [0, -1, 0, -1], 0].tolist() == [10, 20, 30, 40]
