"""Augmentation that keeps boxes boxes: crops, flips, quarter turns; and colour, blur, noise, JPEG."""

import random
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.segment.preprocess import to_square

Image = NDArray[np.uint8]
CUT_OUT_SHARE = 0.25
EXPOSURE_STOPS = (-3.0, 1.2)


def crop_window(
    mask: Image, zoom: tuple[float, float], anywhere_share: float, rng: random.Random
) -> tuple[slice, slice]:
    """Rows and columns of a random share (`zoom`, of each side, aspect 3:4 to 4:3) of a photo.

    `mask` (H, W): the window holds some of its foreground; but for `anywhere_share`, which fall anywhere.
    """
    height, width = mask.shape
    share, stretch = rng.uniform(*zoom), 2 ** rng.uniform(-0.4, 0.4)
    crop_h = min(height, max(1, round(height * share * stretch**0.5)))
    crop_w = min(width, max(1, round(width * share / stretch**0.5)))
    top, left = _corner(mask, (crop_h, crop_w), anywhere_share, rng)
    return slice(top, top + crop_h), slice(left, left + crop_w)


def _corner(mask: Image, crop: tuple[int, int], anywhere_share: float, rng: random.Random) -> tuple[int, int]:
    (height, width), (crop_h, crop_w) = mask.shape, crop
    if rng.random() < 1 - anywhere_share:
        ys, xs = np.nonzero(mask[::8, ::8])
        if len(ys):
            pick = rng.randrange(len(ys))
            top = int(ys[pick]) * 8 - rng.randint(0, crop_h)
            left = int(xs[pick]) * 8 - rng.randint(0, crop_w)
            return min(max(top, 0), height - crop_h), min(max(left, 0), width - crop_w)
    return rng.randint(0, height - crop_h), rng.randint(0, width - crop_w)


def flip_and_turn(arrays: Sequence[Image], rng: random.Random) -> list[Image]:
    """All arrays under the same one of the eight symmetries of the square."""
    turns, flip = rng.randrange(4), rng.random() < 0.5
    turned = (np.rot90(array, turns) for array in arrays)
    return [np.ascontiguousarray(array[:, ::-1] if flip else array) for array in turned]


def cut_out(image: Image, rng: random.Random) -> Image:
    """Black squares over the pixels, now and then: what they hide is still to be found (DeVries, 2017)."""
    if rng.random() < CUT_OUT_SHARE:
        size = len(image)
        for _ in range(rng.randint(1, 7)):
            side = round(size * rng.uniform(0.04, 0.18))
            top, left = rng.randrange(size - side), rng.randrange(size - side)
            image[top : top + side, left : left + side] = 0
    return image


def change_looks(image: Image, rng: random.Random) -> Image:
    """Colour, light, exposure, blur, noise, grains and JPEG, each some of the time."""
    out = image.astype(np.float32)
    if rng.random() < 0.8:
        gains = np.array([rng.uniform(0.85, 1.15) for _ in range(3)], np.float32) * rng.uniform(0.75, 1.25)
        mean = out.mean()
        out = (out - mean) * rng.uniform(0.7, 1.35) * gains + mean * gains + rng.uniform(-20, 20)
    if rng.random() < 0.15:
        out = np.repeat(out.mean(2, keepdims=True), 3, axis=2)
    if rng.random() < 0.1:
        out = out[:, :, [rng.randrange(3) for _ in range(3)]]
    if rng.random() < 0.2:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.3)), np.float32)
    if rng.random() < 0.15:
        out = out * 2 ** rng.uniform(*EXPOSURE_STOPS)
    if rng.random() < 0.3:
        noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(out.shape, np.float32)
        out = out + noise * rng.uniform(2, 12)
    if rng.random() < 0.15:
        _strew_grains(out, rng)
    result = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        _, code = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(30, 90)])
        result = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return result


def _strew_grains(image: NDArray[np.float32], rng: random.Random) -> None:
    """Black and white pixels here and there (salt and pepper)."""
    chance = np.random.default_rng(rng.getrandbits(32)).random(image.shape[:2], np.float32)
    share = 2 ** rng.uniform(-10, -5)
    image[chance < share / 2] = 0
    image[chance > 1 - share / 2] = 255


def mosaic(parts: Sequence[Image], size: int) -> Image:
    """Four images or masks, each at half its scale, in one (size, size, ...): as a far camera sees them."""
    small = [to_square(part, (size + 1) // 2) for part in parts]
    return np.vstack((np.hstack(small[:2]), np.hstack(small[2:])))[:size, :size]
