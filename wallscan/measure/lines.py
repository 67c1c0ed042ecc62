"""The centre lines of a mask's parts as short steps, each with its place, direction and width."""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.measure.graph import SPUR_SHARE, Chain, Graph, pruned

SMOOTHING_PX = 2
"""Centre lines are averaged over so many pixels to each side before their steps are added up.

The steps of a pixel chain, counted as 1 and sqrt(2), are 5 % too long on average over directions (Dorst and
Smeulders, "Length estimators for digitized contours", 1987). The moving average takes the staircase away
and leaves bends of more than a few pixels (compare Coeurjolly and Klette, "A comparative evaluation of
length estimators of digital curves", 2004, on estimators that take more than two pixels into account).
"""
_LOOK_AHEAD_PX = 16.0
"""So much of the way to a mask's edge is looked at together: it is seldom longer, however large the mask."""
Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps of all centre lines, n of them, in pixels of the mask.

    `middle_px` and `step_px` (n, 2) are x and y; `width_px` (n,) is measured across. `steady` (n,) is false
    near ends and branch points, where no width can be measured; `directed` (n,) is false for dots, whose
    step has a length alone.
    """

    middle_px: Points
    step_px: Points
    width_px: NDArray[np.float64]
    steady: NDArray[np.bool_]
    directed: NDArray[np.bool_]

    @property
    def measurable(self) -> NDArray[np.bool_]:
        """The steady steps, or all of them where none is: a part so short is as wide as it is anywhere."""
        return self.steady if self.steady.any() else ~self.steady

    @property
    def length_px(self) -> NDArray[np.float64]:
        """The length of each step, (n,)."""
        return np.hypot(self.step_px[:, 0], self.step_px[:, 1])

    def placed(self, scale: float, x_px: float, y_px: float) -> Self:
        """The same steps in a picture `scale` times as large, moved by `x_px` and `y_px` of its pixels."""
        return replace(
            self,
            middle_px=self.middle_px * scale + (x_px, y_px),
            step_px=self.step_px * scale,
            width_px=self.width_px * scale,
        )

    @classmethod
    def joined(cls, several: list[Self]) -> Self:
        """All steps of several sets, in their order."""
        names = ("middle_px", "step_px", "width_px", "steady", "directed")
        return cls(*(np.concatenate([getattr(one, name) for one in several]) for name in names))

    @classmethod
    def none(cls) -> Self:
        """No step at all."""
        pairs, flags = np.zeros((0, 2)), np.zeros((0,), np.bool_)
        return cls(pairs, pairs, np.zeros((0,)), flags, flags)


@dataclass(frozen=True, slots=True)
class Line:
    """One chain of the skeleton from node to node: its smoothed points (n, 2), x and y, and its steps.

    `nodes` are the pixels of the graph at its two ends; `steps` are in the same pixels as `points`.
    """

    nodes: tuple[int, int]
    points: Points
    steps: Steps
    length_px: float


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The lines of a mask and the graph that they come from; `half_width_px` (n,) is that of its pixels."""

    graph: Graph
    half_width_px: NDArray[np.float64]
    lines: list[Line]


def skeleton_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The skeleton (h, w) of a mask (h, w): Zhang and Suen's thinning, 1984, as scikit-image does it."""
    from skimage.morphology import skeletonize  # with the worker alone, and slow to import

    return np.asarray(skeletonize(mask), np.bool_)  # type: ignore[no-untyped-call]


def traced(mask: NDArray[np.bool_], skeleton: NDArray[np.bool_], inner_px: NDArray[np.float32]) -> Skeleton:
    """The lines of a mask (h, w) with an empty rim; its skeleton and the half-widths there, (h, w)."""
    # Thinning is half a pixel off where a width is even: the middle is the highest place near by.
    highest = np.asarray(cv2.dilate(inner_px, np.ones((3, 3), np.uint8)), np.float32)
    graph, chains = pruned(skeleton, highest)
    half_width_px = highest[graph.pixels[:, 0], graph.pixels[:, 1]].astype(np.float64)
    lines = [_line(graph, chain, half_width_px, mask) for chain in chains]
    return Skeleton(graph, half_width_px, lines)


def _line(graph: Graph, chain: Chain, half_width_px: NDArray[np.float64], mask: NDArray[np.bool_]) -> Line:
    half = half_width_px[chain]
    raw = graph.pixels[chain][:, ::-1].astype(np.float64)
    if len(chain) == 1:
        return _dot(chain[0], raw, float(2 * half[0]))
    points = _smooth(raw)
    steady = _away_from_ends(points, half)
    first_is_tip, last_is_tip = (graph.degrees[[chain[0], chain[-1]]] == 1).tolist()
    if last_is_tip:
        points, half, steady = _with_true_end(points, half, steady, mask)
    if first_is_tip:
        backwards = _with_true_end(points[::-1], half[::-1], steady[::-1], mask)
        points, half, steady = backwards[0][::-1], backwards[1][::-1], backwards[2][::-1]
    steps = _steps(points, half, steady)
    return Line((chain[0], chain[-1]), points, steps, float(steps.length_px.sum()))


def _dot(node: int, place: Points, diameter_px: float) -> Line:
    """A part without extent of its own, such as a disc: as long as it is wide."""
    yes, no = np.ones((1,), np.bool_), np.zeros((1,), np.bool_)
    steps = Steps(place, np.array([[diameter_px, 0.0]]), np.array([diameter_px]), yes, no)
    return Line((node, node), place, steps, diameter_px)


def _smooth(points: Points) -> Points:
    """The moving average over `SMOOTHING_PX` to each side; the two ends stay where they are."""
    reach = min(SMOOTHING_PX, len(points) - 1)
    before = 2 * points[0] - points[reach:0:-1]
    after = 2 * points[-1] - points[-2 : -reach - 2 : -1]
    sums = np.cumsum(np.concatenate((np.zeros((1, 2)), before, points, after)), axis=0)
    window = 2 * reach + 1
    return np.asarray((sums[window:] - sums[:-window]) / window, np.float64)


def _along(points: Points) -> NDArray[np.float64]:
    """The way from the first point to each, (n,)."""
    way = np.zeros(len(points))
    np.cumsum(np.hypot(*(points[1:] - points[:-1]).T), out=way[1:])
    return way


def _away_from_ends(points: Points, half_width_px: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Points farther from both ends of their line than `SPUR_SHARE` half-widths; the middle one at least."""
    way = _along(points)
    reach = SPUR_SHARE * half_width_px
    steady = np.asarray((way >= reach) & (way[-1] - way >= reach), np.bool_)
    if not steady.any():
        steady[len(steady) // 2] = True
    return np.asarray(steady, np.bool_)


def _with_true_end(
    points: Points, half_width_px: NDArray[np.float64], steady: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> tuple[Points, NDArray[np.float64], NDArray[np.bool_]]:
    """The line with its last part replaced by a straight one to the edge of the mask.

    Thinning stops half a width before a round end and runs into a corner of a square one.
    """
    way = _along(points)
    left = way[-1] - way
    near_end = (left <= SPUR_SHARE * half_width_px) & (way >= way[-1] / 2)
    cut = int(np.flatnonzero(near_end)[0]) if near_end.any() else len(points) - 1
    inner = int(np.searchsorted(way, max(0.0, way[cut] - max(3.0, half_width_px[cut]))))
    direction = points[cut] - points[min(inner, cut - 1) if cut else 0]
    size = float(np.hypot(*direction))
    if size == 0.0:
        return points, half_width_px, steady
    tip = points[cut] + direction / size * _way_out(points[cut], direction / size, mask)
    return (
        np.concatenate((points[: cut + 1], tip[None])),
        np.append(half_width_px[: cut + 1], half_width_px[cut]),
        np.append(steady[: cut + 1], False),
    )


def _way_out(start: Points, direction: Points, mask: NDArray[np.bool_]) -> float:
    """How far it is from a point in the mask to its edge in this direction, to a quarter of a pixel."""
    block = np.arange(0.0, _LOOK_AHEAD_PX, 0.25)
    while True:
        x, y = np.rint(start[:, None] + direction[:, None] * block).astype(np.int64)
        inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
        inside[inside] = mask[y[inside], x[inside]]
        if not inside.all():
            return float(block[int(np.argmin(inside))])
        block += _LOOK_AHEAD_PX


def _steps(points: Points, half_width_px: NDArray[np.float64], steady: NDArray[np.bool_]) -> Steps:
    width_px = half_width_px[1:] + half_width_px[:-1]
    middle, step = (points[1:] + points[:-1]) / 2, points[1:] - points[:-1]
    moved = np.hypot(*step.T) > 0
    directed = np.ones((int(moved.sum()),), np.bool_)
    return Steps(middle[moved], step[moved], width_px[moved], (steady[1:] | steady[:-1])[moved], directed)
