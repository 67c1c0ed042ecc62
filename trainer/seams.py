"""Finding the seam in an annotated box, so that the box can be drawn anew when the photo is turned.

Joint boxes are axis-aligned boxes round thin lines that run from one short side to the other, or along a
diagonal. Turning the box's mask would not give the box of the turned seam.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Lines = NDArray[np.float64]
MARGIN_PX = 16
SAMPLES = 96
BESIDE_PX = (4.0, 10.0)
CONTRAST = 20.0
"""Grey levels. Beyond, more counts for little, so that no dark spot wins, but the middle of a seam does."""


def find_seam(grey: NDArray[np.uint8], box: NDArray[np.float32]) -> Lines:
    """(2, 2) x, y: the ends of the darkest straight line through a box ((N, 2) corners) of a grey photo.

    The box is the seam's own, up to `MARGIN_PX` wider: one end is near one corner of a shorter side, the
    other near the opposite one. Of all such lines the one wins that is darkest against what lies
    one of `BESIDE_PX` to both sides of it.
    """
    (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
    upright = bottom - top >= right - left
    low, high = (left, right) if upright else (top, bottom)
    start, end = (top, bottom) if upright else (left, right)
    near = np.arange(low, min(low + MARGIN_PX, high) + 0.5)
    far = low + high - near
    pairs = np.array([pair for a in near for b in far for pair in ((a, b), (b, a))])
    lines = np.empty((len(pairs), 2, 2))
    lines[:, :, 0 if upright else 1] = pairs
    lines[:, :, 1 if upright else 0] = (start, end)
    best: Lines = lines[int(np.argmax(_darkness(grey, lines)))]
    return best


def _darkness(grey: NDArray[np.uint8], lines: Lines) -> NDArray[np.float64]:
    shares = np.linspace(0.03, 0.97, SAMPLES)[None, :, None]
    points = lines[:, :1] + shares * (lines[:, 1:] - lines[:, :1])
    along = lines[:, 1] - lines[:, 0]
    normal = np.stack([-along[:, 1], along[:, 0]], 1) / np.linalg.norm(along, axis=1, keepdims=True)
    smooth = np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), np.uint8)
    centre, depth = _sample(smooth, points), np.zeros(len(lines))
    for beside in BESIDE_PX:
        sides = [_sample(smooth, points + side * beside * normal[:, None]) for side in (-1, 1)]
        contrast = np.minimum(*sides) - centre
        depth = np.maximum(depth, (contrast / (1 + np.abs(contrast) / CONTRAST)).mean(axis=1))
    return depth


def _sample(grey: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.float32]:
    maps = points.astype(np.float32)
    return np.asarray(
        cv2.remap(grey, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )
