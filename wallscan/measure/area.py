"""Which part of a photo is wall: a polygon that a person drew, or the answer to a wall prompt."""

import math
from collections.abc import Sequence
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.looks import SQUARE_SHARE
from wallscan.domain.scale import Point

GAP_SHARE = SQUARE_SHARE
"""Of a photo's longer side: wider than a crack, which never fills such a square, and narrower than most
windows and doors."""
_GAP_CELLS = 16
"""Cells that such a gap has at least, where pixels are finer: as fine as a map's, and quicker by far. A gap
that is wider by less than two of them, an eighth, closes or not, depending on where they begin."""

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


def closed(mask: Area) -> Area:
    """A mask (H, W), 0 or 255, with all gaps narrower than `GAP_SHARE` closed, as far as the photo goes.

    A crack in a wall is wall, whatever the network takes it for; a window is not. It is a closing by a
    square, of cells that are wall altogether, so that a gap closes as a whole. Beyond its edge the photo goes
    on as it ends there: a crack that leaves it is a gap, a strip along it is none.
    """
    gap_px = max(mask.shape) * GAP_SHARE
    cell_px = max(1, int(gap_px / _GAP_CELLS))
    side = _cells_across(math.ceil(gap_px) - 1, cell_px) + 1
    cells = _wall_cells(mask, cell_px)
    beyond = cv2.copyMakeBorder(cells, side, side, side, side, cv2.BORDER_REPLICATE)
    square, middle = np.ones((side, side), np.uint8), side // 2
    grown = cv2.dilate(beyond, square, anchor=(middle, middle))
    # Mirrored, for an even square has no middle: what it grew by on one side it loses there again.
    joined = cv2.erode(grown, square, anchor=(side - 1 - middle, side - 1 - middle))
    size = cells.shape[1] * cell_px, cells.shape[0] * cell_px
    drawn = cv2.resize(joined[side:-side, side:-side], size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.bitwise_or(mask, drawn[: mask.shape[0], : mask.shape[1]]), np.uint8)


def _cells_across(gap_px: int, cell_px: int) -> int:
    """How many cells a gap lies in at most, wherever it begins."""
    return -(-(gap_px - 1) // cell_px) + 1


def _wall_cells(mask: Area, cell_px: int) -> Area:
    """A mask (H, W) by square cells: 255 where all of a cell's pixels are."""
    below, right = (-side_px % cell_px for side_px in mask.shape)
    whole = np.asarray(cv2.copyMakeBorder(mask, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    of_rows = reduce(np.minimum, (whole[first::cell_px] for first in range(cell_px)))
    of_cells = reduce(np.minimum, (of_rows[:, first::cell_px] for first in range(cell_px)))
    return np.asarray(of_cells, np.uint8)
