"""Which part of a photo is wall: a polygon that a person drew, or the answer to a wall prompt."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.scale import Point

Area = NDArray[np.uint8]


def polygon_area(polygon_px: Sequence[Point], height_px: int, width_px: int) -> Area:
    """The pixels (height_px, width_px), 0 or 255, in a polygon or on its edge, as far as the photo goes."""
    area = np.zeros((height_px, width_px), np.uint8)
    far = 4.0 * max(height_px, width_px)  # cv2 draws in 32 bits
    corners = np.rint(np.clip(np.array(polygon_px, np.float64), -far, far)).astype(np.int32)
    return np.asarray(cv2.fillPoly(area, [corners], 255), np.uint8)


def filled(mask: Area) -> Area:
    """A mask (H, W) without its holes: a crack in a wall is wall, whatever the network takes it for."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(np.zeros_like(mask), outlines, -1, 255, cv2.FILLED), np.uint8)
