"""What a mask's parts are like: how many, how long, how wide, which way, and the largest of them."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.measure.graph import skeleton_graph
from wallscan.measure.lines import Points, Skeleton, Steps, skeleton_of, traced
from wallscan.measure.network import branch_points, longest_part
from wallscan.measure.orientation import Orientation, orientation
from wallscan.measure.raster import Picture, pictures, reduced

BRIDGE_SHARE = 1 / 128
"""Parts no farther apart than this share of the photo's long side are one crack: paint, a shadow or a weak
answer of the network interrupts it. They are counted as one, and no length is added for the gap."""
MAX_PARTS = 5_000
MAX_SKELETON_PX = 200_000
MAX_NODES = 20_000
"""A mask of more parts, centre-line pixels or branch and end points on the raster is no crack pattern but
noise; its lines are not followed, so that no photo takes longer than a few seconds."""
MAX_POLYLINE_POINTS = 200
POLYLINE_ERROR = 1.5
"""How far, in pixels of the raster, a polyline may be from the centre line that it stands for."""


@dataclass(frozen=True, slots=True)
class LargestCrack:
    """The connected part of the greatest length; `polyline_px` is its longest way, x and y in the photo."""

    length_px: float
    polyline_px: list[list[float]]


@dataclass(frozen=True, slots=True)
class Shapes:
    """The parts of a mask. `steps` are those of all centre lines, in pixels of the photo.

    Where the mask is too complex to follow (`MAX_PARTS` and its like) the steps are empty, and whatever
    they would tell is unknown.
    """

    cracks: int
    steps: Steps
    branch_points: int
    orientation: Orientation
    largest: LargestCrack | None
    too_complex: bool = False

    @property
    def length_px(self) -> float:
        """The length of all centre lines together."""
        return float(self.steps.length_px.sum())


def shapes(mask: NDArray[np.uint8], cell_px: float = 1.0) -> Shapes:
    """The shapes in a mask (H, W), uint8 0 or 255. The same mask gives the same shapes, bit for bit.

    `cell_px` is the side, in pixels of the mask, of a cell of the map that it comes from.
    Time is bounded by the raster's size (`raster.RASTER_PX`), memory by 60 bytes a raster pixel.
    """
    if not cv2.countNonZero(mask):
        return Shapes(0, Steps.none(), 0, orientation(Steps.none()), None)
    raster, factor = reduced(mask, cell_px)
    # With statistics, a third of the time of OpenCV's default algorithm.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(raster, 8, cv2.CV_32S, cv2.CCL_GRANA)
    if len(stats) == 1:  # all of it is too small for the raster
        return Shapes(0, Steps.none(), 0, orientation(Steps.none()), None)
    cracks = 1 if len(stats) == 2 else _cracks(raster)
    drawn = _drawn(mask, raster, np.asarray(labels, np.int32), np.asarray(stats, np.int32), factor)
    if drawn is None:
        return Shapes(cracks, Steps.none(), 0, orientation(Steps.none()), None, too_complex=True)
    steps = Steps.joined([_placed(picture, skeleton) for picture, skeleton in drawn])
    branches = sum(branch_points(skeleton) for _, skeleton in drawn)
    return Shapes(cracks, steps, branches, orientation(steps), _largest(drawn, factor))


def _cracks(raster: NDArray[np.uint8]) -> int:
    """Parts of a raster (h, w), those within the bridge's length of each other counted once."""
    reach = round(max(raster.shape) * BRIDGE_SHARE / 2)
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    joined = cv2.dilate(raster, square)
    count, _ = cv2.connectedComponents(joined, connectivity=8, ltype=cv2.CV_32S)
    return count - 1


def _drawn(
    mask: NDArray[np.uint8],
    raster: NDArray[np.uint8],
    labels: NDArray[np.int32],
    stats: NDArray[np.int32],
    factor: int,
) -> list[tuple[Picture, Skeleton]] | None:
    """All parts' pictures with their skeletons; None where there is more than can be followed."""
    if len(stats) - 1 > MAX_PARTS:
        return None
    drawn = []
    for picture in pictures(mask, raster, labels, stats, factor):
        thin = skeleton_of(picture.mask)
        if np.count_nonzero(thin) > MAX_SKELETON_PX:
            return None
        if np.count_nonzero(skeleton_graph(thin).degrees != 2) > MAX_NODES:
            return None
        drawn.append((picture, traced(picture.mask, thin, picture.half_width_px)))
    return drawn


def _placed(picture: Picture, skeleton: Skeleton) -> Steps:
    steps = Steps.joined([line.steps for line in skeleton.lines])
    return steps.placed(picture.scale, picture.x_px, picture.y_px)


def _largest(drawn: list[tuple[Picture, Skeleton]], factor: int) -> LargestCrack | None:
    found = [(picture, part) for picture, one in drawn if (part := longest_part(one)) is not None]
    if not found:
        return None
    picture, part = max(found, key=lambda pair: pair[1].length_px * pair[0].scale)
    path = part.path * picture.scale + (picture.x_px, picture.y_px)
    return LargestCrack(part.length_px * picture.scale, _simplified(path, POLYLINE_ERROR * factor))


def _simplified(path: Points, error_px: float) -> list[list[float]]:
    """A path (n, 2) by at most `MAX_POLYLINE_POINTS` of its points, to a tenth of a pixel (Ramer, 1972)."""
    points: NDArray[Any] = path.astype(np.float32)
    kept = cv2.approxPolyDP(points, error_px, closed=False)
    while len(kept) > MAX_POLYLINE_POINTS:
        error_px *= 2
        kept = cv2.approxPolyDP(points, error_px, closed=False)
    return np.asarray(kept, np.float64).reshape(-1, 2).round(1).tolist()
