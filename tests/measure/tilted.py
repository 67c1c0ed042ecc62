"""A marker on a wall as a camera sees it: a pinhole, a tilt, a blur, noise; and the true plane."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.scale import ScaleSource
from wallscan.measure.marker import draw_marker
from wallscan.measure.scale import Plane

SIDE_MM = 100.0
_TEXTURE_PX, _MARKER_PX, _FOCAL_PX, _WALL_LEVEL = 2400, 350, 1800.0, 215
_MM_PER_TEXTURE_PX = SIDE_MM / _MARKER_PX


@dataclass(frozen=True)
class Shot:
    """A grey photo (h, w) and its plane; the middle of the wall's texture is (0, 0) mm."""

    grey: NDArray[np.uint8]
    plane: Plane


def shot(
    rng: np.random.Generator,
    *,
    tilt_deg: float,
    side_px: float,
    markers: tuple[tuple[int, float, float, float], ...] = ((3, 0.0, 0.0, 1.0),),
    height_px: int = 900,
    width_px: int = 1200,
) -> Shot:
    """A wall tilted about a random axis and turned at will; a marker in its middle is `side_px` wide.

    Each marker is its number, its place in millimetres, and its size as a share of `SIDE_MM`.
    """
    texture = np.full((_TEXTURE_PX, _TEXTURE_PX), _WALL_LEVEL, np.uint8)
    for number, x_mm, y_mm, size in markers:
        _stick(texture, number, x_mm, y_mm, size)
    to_photo = _homography(rng, tilt_deg, side_px, height_px, width_px)
    half = (_TEXTURE_PX - 1) / 2
    to_mm = np.array([[1, 0, -half], [0, 1, -half], [0, 0, 1 / _MM_PER_TEXTURE_PX]]) * _MM_PER_TEXTURE_PX
    fine = np.array([[3, 0, 1.0], [0, 3, 1.0], [0, 0, 1.0]])
    seen = cv2.warpPerspective(
        texture, fine @ to_photo @ to_mm, (3 * width_px, 3 * height_px), borderValue=(_WALL_LEVEL,)
    )
    small = cv2.GaussianBlur(
        cv2.resize(seen, (width_px, height_px), interpolation=cv2.INTER_AREA), (0, 0), 0.7
    )
    noisy = small.astype(np.float64) + rng.normal(0, 3, small.shape)
    plane = Plane(np.asarray(np.linalg.inv(to_photo), np.float64), ScaleSource.MARKER)
    return Shot(np.clip(noisy, 0, 255).astype(np.uint8), plane)


def _stick(texture: NDArray[np.uint8], number: int, x_mm: float, y_mm: float, size: float) -> None:
    side = round(_MARKER_PX * size)
    left, top = (round(_TEXTURE_PX / 2 + mm / _MM_PER_TEXTURE_PX - side / 2) for mm in (x_mm, y_mm))
    texture[top : top + side, left : left + side] = draw_marker(number, side)


def _homography(
    rng: np.random.Generator, tilt_deg: float, side_px: float, height_px: int, width_px: int
) -> NDArray[np.float64]:
    """Millimetres on the wall to pixels of the photo."""
    axis, roll = rng.uniform(0, 2 * np.pi, 2)
    tilted, _ = cv2.Rodrigues(np.radians(tilt_deg) * np.array([np.cos(axis), np.sin(axis), 0.0]))
    rolled, _ = cv2.Rodrigues(np.array([0.0, 0.0, roll]))
    turned = tilted @ rolled
    camera = np.array([[_FOCAL_PX, 0, width_px / 2], [0, _FOCAL_PX, height_px / 2], [0, 0, 1.0]])
    place = np.array([*rng.uniform(-40, 40, 2), _FOCAL_PX * SIDE_MM / side_px])
    return np.asarray(camera @ np.column_stack((turned[:, 0], turned[:, 1], place)), np.float64)
