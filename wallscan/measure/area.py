"""Which part of a photo is wall: a polygon that a person drew, or the answer to a wall prompt."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.scale import Point

Area = NDArray[np.uint8]
Corners = NDArray[np.float64]
"""(n, 2): x and y of a polygon's corners in photo pixels, one after the other."""


def polygon_area(polygon_px: Sequence[Point], height_px: int, width_px: int) -> Area:
    """The pixels (height_px, width_px), 0 or 255, in a polygon or on its edge, as far as the photo goes.

    Its corners may lie anywhere: it is cut at the photo first (Sutherland and Hodgman, "Reentrant polygon
    clipping", 1974), for cv2 errs where corners lie outside its picture.
    """
    corners = np.array(polygon_px, np.float64)
    for axis, last in enumerate((width_px, height_px)):
        corners = _cut(corners, corners[:, axis] + 1.0)
        corners = _cut(corners, last - corners[:, axis])
    # What was cut off runs along the cut: on a rim of one pixel, and not in the photo.
    rimmed = np.zeros((height_px + 2, width_px + 2), np.uint8)
    if len(corners):
        cv2.fillPoly(rimmed, [np.rint(corners).astype(np.int32) + 1], 255)
    return np.ascontiguousarray(rimmed[1:-1, 1:-1])


def _cut(corners: Corners, inside_by: NDArray[np.float64]) -> Corners:
    """The polygon's part on one side of a line, from which its corners (n, 2) are so far (n,)."""
    kept = []
    for here, after in enumerate(inside_by):
        before = inside_by[here - 1]
        if (before < 0) != (after < 0):
            share = before / (before - after)
            kept.append(corners[here - 1] + share * (corners[here] - corners[here - 1]))
        if after >= 0:
            kept.append(corners[here])
    return np.array(kept, np.float64).reshape(-1, 2)


def filled(mask: Area) -> Area:
    """A mask (H, W) without its holes: a crack in a wall is wall, whatever the network takes it for."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(np.zeros_like(mask), outlines, -1, 255, cv2.FILLED), np.uint8)
