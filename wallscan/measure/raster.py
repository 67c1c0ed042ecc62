"""The pictures that a mask is measured on: small enough to be quick, fine enough to be right.

Thinning takes as many passes as a part is wide, each over the whole picture. So a photo's mask is first
reduced to a few megapixels, and then each part to a picture on which it is narrow. Centre lines are found on
these; widths, in which half a pixel tells, on a picture that is never coarser.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

RASTER_PX = 1 << 22
"""Masks of more pixels are reduced by the smallest whole factor that brings them to so many: 12 megapixels
by 2, 100 by 5."""
PIXELS_PER_CELL = 3.0
"""Where centre lines are sought, masks that come from a coarse map are reduced further, to no fewer pixels
than this a cell of the map: its lines bend no faster."""
LINE_PARTS, EDGE_PARTS = 4, 2
"""A reduced pixel is set where a quarter of what it covers is, so that a line of half its width does not
break; but where half is for the distance transform, which needs the edge in its place."""
STRIP_PX = 8
"""A coarse map reduces no mask to fewer pixels across: its cells along a strip are far longer than the strip
is wide, and a crack reduced by them would come out wider than the photo."""
NARROW_PX = 24.0
"""Parts wider than twice this are thinned on a smaller picture, halved until they are not."""

EDGE_PX = 0.25
"""By how much the distance transform on a centre line is too large for half a width, on average.

It counts to the centre of the first pixel outside, half a pixel beyond the edge: half a pixel too much where
the width is odd and the centre line runs through the middle, nothing where it is even.
"""
_CHAMFER_PX = 5
"""Side of the distance transform's mask (Borgefors, "Distance transformations in digital images", 1986): at
most 2 % too small, in a fifth of the time of the exact one."""

Mask = NDArray[np.uint8]
Flags = NDArray[np.bool_]
V = TypeVar("V", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Picture:
    """Parts of like width, cut out and reduced, with an empty rim of one pixel.

    `half_width_px` is the highest of `half_widths` in what a pixel covers, in pixels of this picture; it
    means something on centre lines alone. Pixel (x, y) lies at
    (x * `scale` + `x_px`, y * `scale` + `y_px`) of the photo.
    """

    mask: Flags
    half_width_px: NDArray[np.float32]
    scale: float
    x_px: float
    y_px: float


def reduction(height_px: int, width_px: int, cell_px: float) -> int:
    """The whole factor by which a mask of this size is reduced before it is measured.

    `cell_px` is the side, in its pixels, of a cell of the map that it comes from.
    """
    factor = max(1, min(int(cell_px / PIXELS_PER_CELL), min(height_px, width_px) // STRIP_PX))
    while -(-height_px // factor) * -(-width_px // factor) > RASTER_PX:
        factor += 1
    return factor


def reduced(mask: Mask, cell_px: float) -> tuple[Mask, int]:
    """A mask (H, W), 0 or 255, as 0 or 1 on the raster, and the factor by which it was reduced."""
    height_px, width_px = mask.shape
    factor = reduction(height_px, width_px, cell_px)
    return _by(mask, factor, LINE_PARTS), factor


def pictures(
    mask: Mask, raster: Mask, labels: NDArray[np.int32], stats: NDArray[np.int32], factor: int
) -> Iterator[Picture]:
    """The parts of a raster (h, w), 0 or 1, grouped by how wide they are; `reduced` made it from `mask`.

    `labels` and `stats` are those of OpenCV's `connectedComponentsWithStats`: parts are numbered from 1.
    """
    left, top, width, height = cv2.boundingRect(raster)
    half_width_px = half_widths(mask, factor, _span(top, height), _span(left, width))
    halvings = _halvings(half_width_px, labels[top : top + height, left : left + width], len(stats) - 1)
    for count in np.unique(halvings[1:]).tolist():
        members = halvings == count
        members[0] = False
        rows, columns = _box(stats[members])
        # Mostly all parts are alike: then nobody needs to be looked for in the labels.
        alike = members[1:].all()
        there = raster[rows, columns].astype(np.bool_) if alike else members[labels[rows, columns]]
        inner = half_width_px[_moved(rows, -top), _moved(columns, -left)]
        inner = inner if alike else np.where(there, inner, np.float32(0))
        yield _picture(there, inner, 1 << count, factor, columns.start, rows.start)


def half_widths(mask: Mask, factor: int, rows: slice, columns: slice) -> NDArray[np.float32]:
    """Half the width on centre lines, (h, w), in pixels of a raster, for these rows and columns of it.

    The parts that they show must lie within them. `factor` is the raster's. Distances are those on the mask
    (H, W), 0 or 255, reduced no further than its size demands; the highest of what a pixel covers counts.
    """
    height_px, width_px = mask.shape
    least = reduction(height_px, width_px, cell_px=1.0)
    (there, down), (across_there, across) = (_around(part, factor, least) for part in (rows, columns))
    edges = _by(mask[there, across_there], least, EDGE_PARTS)
    rimmed = cv2.copyMakeBorder(edges, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(rimmed, cv2.DIST_L2, _CHAMFER_PX)[1:-1, 1:-1]
    finer = factor / least
    if finer > 1:
        distance = cv2.dilate(distance, np.ones((math.ceil(finer) | 1,) * 2, np.uint8))
    met = distance.take(down, axis=0, mode="clip").take(across, axis=1, mode="clip")
    # What is set on the raster is at least a pixel wide.
    return np.asarray((np.maximum(met, 1) - EDGE_PX) / finer, np.float32)


def _around(part: slice, factor: int, least: int) -> tuple[slice, NDArray[np.int64]]:
    """The part of a mask that these pixels of the raster cover, and one more on each side for the edges.

    With it the middles of the pixels, (n,), as places in that part reduced by `least`.
    """
    first = max(0, (part.start - 1) * factor) // least
    middles = (np.arange(part.start, part.stop) + 0.5) * (factor / least)
    end = -(-(part.stop + 1) * factor // least)
    return slice(first * least, end * least), middles.astype(np.int64) - first


def _by(mask: Mask, factor: int, parts: int) -> Mask:
    """A mask (H, W), 0 or 255, reduced by a factor: 1 where one of `parts` equal parts of a pixel is set."""
    if factor == 1:
        return np.minimum(mask, 1)
    below, right = (-side % factor for side in mask.shape)
    whole = cv2.copyMakeBorder(mask, 0, below, 0, right, cv2.BORDER_REPLICATE) if below or right else mask
    # Counted by rows, then columns: half the time of OpenCV's mean over areas, and the same pixels.
    ones = whole.view(np.int8)  # 255 is -1
    if factor**2 > -np.iinfo(np.int8).min:
        ones = ones.astype(np.int32)
    of_rows = reduce(np.add, (ones[first::factor] for first in range(factor)))
    of_areas = reduce(np.add, (of_rows[:, first::factor] for first in range(factor)))
    return np.asarray(of_areas <= -math.ceil(factor**2 / parts), np.uint8)


def _halvings(half_width_px: NDArray[np.float32], labels: NDArray[np.int32], parts: int) -> NDArray[np.int8]:
    """How often each part must be halved to be narrow, (parts + 1,)."""
    halvings = np.zeros((parts + 1,), np.int8)
    limit, count, widest = NARROW_PX, 0, float(half_width_px.max())
    while widest > limit:
        count += 1
        halvings[np.unique(labels[half_width_px > limit])] = count
        limit *= 2
    return halvings


def _box(stats: NDArray[np.int32]) -> tuple[slice, slice]:
    """Rows and columns that hold all of some parts, from their rows (n, 5) of OpenCV's statistics."""
    left, top, width, height = stats[:, :4].T
    rows = slice(int(top.min()), int((top + height).max()))
    return rows, slice(int(left.min()), int((left + width).max()))


def _span(start: int, length: int) -> slice:
    return slice(start, start + length)


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _picture(
    there: Flags, half_width_px: NDArray[np.float32], halved: int, factor: int, left: int, top: int
) -> Picture:
    """A cut-out whose first pixel is (left, top) of the raster, halved so that its parts are narrow."""
    scale = halved * factor
    # The middle of this picture's first pixel, which is the rim, as a place of the photo.
    first = (0.5 - 1.0) * scale - 0.5
    return Picture(
        mask=np.pad(_highest(there, halved), 1),
        half_width_px=np.pad(_highest(half_width_px, halved) / np.float32(halved), 1),
        scale=float(scale),
        x_px=left * factor + first,
        y_px=top * factor + first,
    )


def _highest(values: NDArray[V], block: int) -> NDArray[V]:
    """The highest value of each block, a power of two: thin ends of a wide part stay, which a mean loses."""
    while block > 1:
        height, width = values.shape
        even = np.pad(values, ((0, height % 2), (0, width % 2))) if height % 2 or width % 2 else values
        rows = np.maximum(even[::2], even[1::2])
        values = np.maximum(rows[:, ::2], rows[:, 1::2])
        block //= 2
    return values
