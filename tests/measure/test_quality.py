import cv2
import numpy as np
import pytest

from wallscan.domain.review import ReviewReason
from wallscan.measure.quality import NORMAL_PX, normal_grey, photo_reasons, sharpness


def textured(height_px=480, width_px=640, level=150):
    noise = np.random.default_rng(0).normal(level, 20, (height_px, width_px, 1)).clip(0, 255)
    return np.repeat(noise.astype(np.uint8), 3, axis=2)


def test_a_good_photo_gives_no_reason():
    assert photo_reasons(textured()) == []


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (cv2.GaussianBlur(textured(), (0, 0), 6), ReviewReason.BLURRED),
        (textured(level=15), ReviewReason.TOO_DARK),
        (textured(level=280), ReviewReason.TOO_BRIGHT),
    ],
)
def test_a_bad_photo_says_what_is_wrong(pixels, reason):
    assert reason in photo_reasons(pixels)


def test_large_and_small_photos_of_a_scene_are_judged_at_one_size():
    small = textured()
    large = cv2.resize(small, (2560, 1920), interpolation=cv2.INTER_NEAREST)
    assert max(normal_grey(large).shape) == NORMAL_PX
    assert sharpness(normal_grey(large)) == pytest.approx(sharpness(normal_grey(small)), rel=0.05)


@pytest.mark.parametrize("size", [(1, 9000, 3), (1, 1, 3), (9000, 1, 3)])
def test_photos_of_any_shape_are_judged(size):
    assert ReviewReason.BLURRED in photo_reasons(np.full(size, 128, np.uint8))
