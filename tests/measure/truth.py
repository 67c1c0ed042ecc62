"""Rendered cracks of known length and width: the truth that measurements are held against.

A crack is a smooth random centre line with a width that varies along it, ends cut square. It is painted as
quadrilaterals at several times the mask's resolution and averaged down, so that half a pixel is half a pixel.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.measure.scale import Plane

_FINE = 4  # painted at so many times the mask's resolution
_SHIFT = 4  # cv2's fractional bits
PHOTO_PX = (3000, 4000)
"""Height and width of a photo of 12 megapixels."""


@dataclass(frozen=True)
class TrueCrack:
    """A centre line (n, 2) of x, y in pixels of the mask, and the width at each of its points, (n,).

    Or all of it in millimetres on a wall, where it is painted through a homography.
    """

    line: NDArray[np.float64]
    width_px: NDArray[np.float64]

    @property
    def length_px(self) -> float:
        return float(np.hypot(*np.diff(self.line, axis=0).T).sum())

    @property
    def mean_width_px(self) -> float:
        steps = np.hypot(*np.diff(self.line, axis=0).T)
        return float(((self.width_px[1:] + self.width_px[:-1]) / 2 * steps).sum() / steps.sum())


def random_crack(
    rng: np.random.Generator, side: int, width_px: float, *, wander: float = 0.5, margin: float = 0.1
) -> TrueCrack:
    """A crack across a square of `side` pixels; `wander` is the radians that its direction may stray."""
    while True:
        length = side * rng.uniform(0.35, 0.75)
        points = 400
        heading = rng.uniform(0, 2 * np.pi) + _smooth_noise(rng, points, 12) * wander
        steps = np.stack((np.cos(heading), np.sin(heading)), axis=1) * (length / points)
        line = np.concatenate((np.zeros((1, 2)), np.cumsum(steps, axis=0)))
        low, high = margin * side - line.min(axis=0), (1 - margin) * side - line.max(axis=0)
        if (low < high).all():
            break
    width = width_px * (1.0 + 0.25 * np.clip(_smooth_noise(rng, points + 1, 8), -2, 2))
    return TrueCrack(line + rng.uniform(low, high), width)


def paint(
    cracks: list[TrueCrack], height_px: int, width_px: int, plane: Plane | None = None
) -> NDArray[np.uint8]:
    """The mask (height_px, width_px), 0 or 255, of the pixels that are at least half covered.

    With a plane the cracks are in its millimetres, and seen as the camera sees it.
    """
    fine = np.zeros((height_px * _FINE, width_px * _FINE), np.uint8)
    for crack in cracks:
        strip = _strip(crack, 1.0) if plane is None else _seen(_strip(crack, plane.mm_per_px), plane)
        for corners in strip:
            # Pixel centres are whole numbers for cv2, and lie at one half in the fine picture's own lengths.
            fixed = np.rint((corners * _FINE + (_FINE - 1) / 2) * (1 << _SHIFT)).astype(np.int32)
            cv2.fillConvexPoly(fine, fixed, 255, lineType=cv2.LINE_8, shift=_SHIFT)
    covered = cv2.resize(fine, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return np.where(covered >= 128, np.uint8(255), np.uint8(0))


def on_photo(mask: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A mask somewhere on an otherwise empty one of `PHOTO_PX`."""
    photo = np.zeros(PHOTO_PX, np.uint8)
    top, left = (int(rng.integers(0, whole - part)) for whole, part in zip(PHOTO_PX, mask.shape, strict=True))
    photo[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return photo


def _seen(strip: NDArray[np.float64], plane: Plane) -> NDArray[np.float64]:
    """Corners (n, 4, 2) in millimetres of a plane as pixels of the photo."""
    to_photo = np.linalg.inv(plane.homography)
    seen = cv2.perspectiveTransform(strip.reshape(1, -1, 2), to_photo)
    return np.asarray(seen, np.float64).reshape(strip.shape)


def _strip(crack: TrueCrack, pixel: float) -> NDArray[np.float64]:
    """The quadrilaterals (n - 1, 4, 2) between neighbouring points; they share their sides.

    `pixel` is how long a pixel of the mask is in the crack's unit.
    """
    tangent = np.gradient(crack.line, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None]
    # The painter adds half a fine pixel on each side.
    half = (crack.width_px / 2 - pixel * 0.5 / _FINE)[:, None] * np.stack(
        (-tangent[:, 1], tangent[:, 0]), axis=1
    )
    left, right = crack.line + half, crack.line - half
    return np.stack((left[:-1], left[1:], right[1:], right[:-1]), axis=1)


def _smooth_noise(rng: np.random.Generator, points: int, knots: int) -> NDArray[np.float64]:
    """About normal noise that changes over 1 / knots of the line."""
    coarse = rng.normal(0.0, 1.0, knots + 3)
    fine = np.interp(np.linspace(0, knots, points), np.arange(knots + 3) - 1, coarse)
    kernel = np.hanning(points // knots + 2)
    return np.convolve(np.pad(fine, len(kernel), mode="edge"), kernel / kernel.sum(), "same")[
        len(kernel) : -len(kernel)
    ]
