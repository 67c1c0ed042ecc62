"""From what an annotation file says to outlines in the photo's own pixels."""

import cv2
import numpy as np

from trainer.data.annotation import Coordinates, Mark
from trainer.data.report import Reason
from trainer.data.sample import Region, Shape, Truth
from wallscan.photos.limits import PhotoLimits
from wallscan.photos.masks import CocoRle, decode_rle, encode_rle

Size = tuple[int, int]
"""(width, height) in pixels."""

MIN_AREA_PX = 1.0
_MOST_PIXELS = PhotoLimits().max_pixels


def same_shape(one: Size, other: Size) -> bool:
    """Whether one size is the other, scaled: equal up to a pixel of rounding on the smaller one."""
    small, large = sorted((one, other))
    return abs(large[0] * small[1] - large[1] * small[0]) <= max(large)


def truth_of(mark: Mark, drawn_on: Size, photo: Size) -> tuple[Truth | Reason, tuple[Reason, ...]]:
    """The mark as the photo has it, or why there is none; and what was done to it."""
    match mark.outline:
        case Reason():
            return mark.outline, ()
        case np.ndarray():
            return _shape(mark.outline * np.divide(photo, drawn_on), photo, is_box=mark.is_box)
        case _:
            return _region(mark.outline, photo)


def _shape(points: Coordinates, photo: Size, *, is_box: bool) -> tuple[Shape | Reason, tuple[Reason, ...]]:
    cut = clip(points, photo)
    area = cv2.contourArea(cut.astype(np.float32)) if len(cut) else 0.0
    if area < MIN_AREA_PX:
        return Reason.OUTLINE_DEGENERATE, ()
    moved = bool((points < 0).any() or (points > photo).any())
    return Shape(cut.astype(np.float32), is_box), (Reason.CLIPPED,) if moved else ()


def clip(points: Coordinates, photo: Size) -> Coordinates:
    """The part (M, 2) of a polygon (N, 2) that lies on the photo; (0, 2) where none does.

    Cut along one edge of the photo after the other (I. Sutherland and G. Hodgman, "Reentrant polygon
    clipping", 1974): parts of a polygon that leaves and comes back stay joined along the edge.
    """
    for axis in (0, 1):
        points = _cut(points, axis, 0.0, 1.0)
        points = _cut(points, axis, float(photo[axis]), -1.0)
    return points


def _cut(points: Coordinates, axis: int, edge: float, inwards: float) -> Coordinates:
    depth = (points[:, axis] - edge) * inwards
    following = np.roll(points, -1, axis=0)
    crosses = (depth >= 0) != (np.roll(depth, -1) >= 0)
    span = np.where(crosses, depth - np.roll(depth, -1), 1.0)
    meets = points + (depth / span)[:, None] * (following - points)
    meets[:, axis] = edge
    both: Coordinates = np.stack([points, meets], axis=1)[np.stack([depth >= 0, crosses], axis=1)]
    return both


def _region(runs: CocoRle, photo: Size) -> tuple[Region | Reason, tuple[Reason, ...]]:
    height, width = runs["size"]
    if not same_shape((width, height), photo) or width * height > _MOST_PIXELS:
        return Reason.SIZE_DIFFERS, ()
    try:
        mask = decode_rle(runs)
    except ValueError:
        return Reason.OUTLINE_BROKEN, ()
    if not mask.any():
        return Reason.OUTLINE_DEGENERATE, ()
    if (width, height) == photo:
        return Region(runs), ()
    scaled = cv2.resize(mask, photo, interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)
    return Region(encode_rle(scaled)), (Reason.SCALED,)
