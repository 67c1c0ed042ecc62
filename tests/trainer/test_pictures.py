"""Rendering and augmentation."""

import random

import numpy as np
import pytest

from trainer.augment import change_looks, crop_window, cut_out, flip_and_turn, mosaic
from trainer.render import render
from wallscan.segment.preprocess import to_square


@pytest.mark.parametrize("family", ["crack", "drywall joint", None])
@pytest.mark.parametrize("size", [96, 320])
def test_rendered_walls_have_a_truth_exactly_where_they_should(family, size):
    rng = random.Random(4)
    walls = [render(family, size, rng) for _ in range(8)]
    for image, mask in walls:
        assert image.shape == (size, size, 3)
        assert mask.shape == (size, size)
        assert image.dtype == mask.dtype == np.uint8
    shares = [float((mask > 127).mean()) for _, mask in walls]
    assert max(shares) < 0.95
    assert sum(share > 0 for share in shares) == 0 if family is None else sum(s > 0 for s in shares) >= 7


def test_the_same_seed_renders_the_same_wall():
    first, second = (render("crack", 128, random.Random(9)) for _ in range(2))
    assert (first[0] == second[0]).all()
    assert (first[1] == second[1]).all()


def test_rendered_cracks_are_darker_than_their_wall():
    rng = random.Random(2)
    walls = [render("crack", 320, rng) for _ in range(20)]
    darker = [image[mask > 200].mean() < image[mask == 0].mean() for image, mask in walls]
    assert sum(darker) >= 15


def box_scene():
    image = np.zeros((100, 140, 3), np.uint8)
    mask = np.zeros((100, 140), np.uint8)
    image[20:60, 30:90], mask[20:60, 30:90] = 255, 255
    return image, mask


def test_geometry_moves_photo_and_mask_alike_and_keeps_boxes_boxes():
    rng = random.Random(3)
    for _ in range(30):
        scene, truth = box_scene()
        window = crop_window(truth, (0.4, 1.0), 0.2, rng)
        image, mask = flip_and_turn([to_square(scene[window], 80), to_square(truth[window], 80)], rng)
        assert image.shape == (80, 80, 3)
        assert np.abs(image[:, :, 0].astype(int) - mask).max() <= 1
        rows, columns = np.nonzero(mask > 127)
        if len(rows):
            box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
            assert box - 4 <= len(rows) <= box  # a corner cut through a pixel may round away


def test_looks_change_but_not_the_shape():
    image = box_scene()[0]
    changed = [change_looks(image, random.Random(seed)) for seed in range(20)]
    assert all(one.shape == image.shape and one.dtype == np.uint8 for one in changed)
    assert sum(bool((one != image).any()) for one in changed) >= 15


def test_a_mosaic_holds_each_part_at_half_its_scale():
    shades = (10, 80, 150, 220)
    mask = mosaic([np.full((64, 64), one, np.uint8) for one in shades], 64)
    image = mosaic([np.full((64, 64, 3), one, np.uint8) for one in shades], 64)
    assert (image == mask[..., None]).all()
    assert [mask[0, 0], mask[0, 63], mask[63, 0], mask[63, 63]] == [10, 80, 150, 220]


def test_cut_outs_hide_squares_and_leave_the_rest():
    plain = np.full((64, 64, 3), 120, np.uint8)
    hidden = [float((cut_out(plain.copy(), random.Random(seed)) == 0).mean()) for seed in range(200)]
    assert 5 < sum(share > 0 for share in hidden) < 60
    assert max(hidden) < 0.3
