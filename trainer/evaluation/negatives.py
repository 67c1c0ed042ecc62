"""Squares of a photo in which nothing of a family is annotated."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import Mask

MOST_SQUARES = 4
SIDE_SHARES = (1 / 4, 1 / 2)
"""Shortest and longest side of a square as a share of the photo's shorter side: 160 to 320 px of 640."""
MARGIN_SHARE = 1 / 20
"""What an annotation is grown by on all sides, of the photo's shorter side: 32 px of 640. Labels are drawn by
hand and stop early at the ends of a crack."""


@dataclass(frozen=True, slots=True)
class Square:
    """A part of a photo, in its pixels."""

    left: int
    top: int
    side: int

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of an image (H, W, C) uint8."""
        part = image[self.top : self.top + self.side, self.left : self.left + self.side]
        return np.ascontiguousarray(part)


def clean_squares(truth: Mask) -> list[Square]:
    """At most `MOST_SQUARES` disjoint squares that keep their distance from a truth (H, W) bool.

    The largest first; of equally large ones the topmost, then the leftmost. The same truth gives the same
    squares.
    """
    short = min(truth.shape)
    shortest, longest = (share * short for share in SIDE_SHARES)
    margin = 2 * round(MARGIN_SHARE * short) + 1
    free = (cv2.dilate(truth.astype(np.uint8), np.ones((margin, margin), np.uint8)) == 0).astype(np.uint8)
    squares: list[Square] = []
    while len(squares) < MOST_SQUARES:
        square = _largest(free, int(longest))
        if square.side < shortest:
            break
        free[square.top : square.top + square.side, square.left : square.left + square.side] = 0
        squares.append(square)
    return squares


def _largest(free: NDArray[np.uint8], longest: int) -> Square:
    """The largest square of ones of odd side, not over `longest`; side -1 where there is none."""
    # With the chessboard distance r to the nearest 0, a pixel is the centre of a square of side 2 r - 1.
    distance = cv2.distanceTransform(np.pad(free, 1), cv2.DIST_C, 3)[1:-1, 1:-1]
    radius = np.minimum(distance, (longest + 1) // 2)
    y, x = (int(index) for index in np.unravel_index(int(radius.argmax()), radius.shape))
    reach = int(radius[y, x])
    return Square(x - reach + 1, y - reach + 1, 2 * reach - 1)
