"""Which windows are worth a closer look: a detector that is asked before the network looks again.

It weighs two things that fail differently. The network, having shrunk the photo, stirs at anything that
resembles what is asked for and knows only about where; a filter for dark lines sees each of them in its
place, and knows nothing of cracks. What the whole photo already shows broad is no reason: windows would
only cut it up.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.segment.grid import Grid, Window

WEIGHTS = (0.45, 0.53)
BIAS = -2.75
"""Logistic regression (`python -m benchmarks.fit_adaptive`) of whether a closer look makes a window better,
on the log odds of the highest probability in its core and the log of its core's line pixels."""
LIKELY = 0.06
"""How likely a window is to become better before it is looked at."""

BROAD_SHARE = 0.09
BROAD_LEVEL = 0.2
"""Broad is what a disc of this diameter, as a share of the side of the whole photo's map, fits into at this
probability: 47 cells of 512. Thin cracks come to 39 where they branch, joints' bands seldom to under 47."""
BROAD_REACH = 3
"""How far round such a disc what hangs together with it counts as broad too, in its diameters."""

_KERNEL_PX = 9
"""Dark lines narrower than this are seen; wider things show in the whole photo."""
_LEVELS = 6
_ABOVE_AROUND = 3
"""A line is darker than what is beside it by so many levels, and by so many times the mean around it."""
_AROUND_PX = 16
_SHORTEST_PX = 24
_LEAST_PROBABILITY = 1e-4
_LEAST_LINES = 0.01
_LEAST_BROAD = 3
"""Into a map so small that its broad finds are single cells everything fits."""

Map = NDArray[np.float32]


def worth_a_look(reduced: NDArray[np.uint8], whole: Map, grid: Grid) -> list[tuple[Window, ...]]:
    """Per prompt, the windows of the grid that a closer look is likely to make better, in the grid's order.

    `reduced` is the photo (h, w, 3) that the grid covers, `whole` the whole photo's maps (P, s, s). What is a
    reason for one prompt is none for another: its map would hang on what else is asked.
    """
    least = np.log(LIKELY / (1 - LIKELY))
    likely = evidence(reduced, whole, grid) @ np.array(WEIGHTS) + BIAS >= least
    return [tuple(window for window, look in zip(grid.windows, own, strict=True) if look) for own in likely]


def evidence(reduced: NDArray[np.uint8], whole: Map, grid: Grid) -> NDArray[np.float64]:
    """What the detector weighs, (P, windows, 2) in the order of `WEIGHTS`, of what `worth_a_look` takes.

    Line pixels are counted in sides of a window.
    """
    lines = fine_lines(reduced)
    lengths = [np.count_nonzero(lines[core.place]) / grid.side for core in grid.cores]
    lined = np.log(np.array(lengths) + _LEAST_LINES)
    found = []
    for one in whole:
        thin = np.where(broad(one), np.float32(0), one)
        highest = np.array([thin[_in_cells(core, grid, len(one))].max() for core in grid.cores])
        highest = highest.clip(_LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
        found.append(np.stack([np.log(highest / (1 - highest)), lined], axis=1))
    return np.stack(found)


def _in_cells(core: Window, grid: Grid, side: int) -> tuple[slice, slice]:
    """The cells of a whole photo's map (side, side) that a part of the reduced photo touches."""
    return (
        slice(core.top * side // grid.height, -(-(core.top + core.height) * side // grid.height)),
        slice(core.left * side // grid.width, -(-(core.left + core.width) * side // grid.width)),
    )


def broad(whole: Map) -> NDArray[np.bool_]:
    """Where a whole photo's map (s, s) shows something broad, with what hangs on nearby and its edge.

    An opening by reconstruction (Vincent 1993) whose reach is bounded: a crack that branches somewhere is no
    broad thing all along.
    """
    diameter = round(len(whole) * BROAD_SHARE) | 1
    shown = (whole >= BROAD_LEVEL).astype(np.uint8)
    # A border of nothing: a thin crack along the photo's edge might go on broad outside, and is looked into.
    middles = cv2.erode(shown, _disc(diameter), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if diameter < _LEAST_BROAD or not middles.any():
        return np.zeros(whole.shape, np.bool_)
    _, labels = cv2.connectedComponents(shown, connectivity=8)
    hanging = np.isin(labels, np.unique(labels[middles > 0]))
    nearby = cv2.dilate(middles, _disc(BROAD_REACH * diameter)) > 0
    return cv2.dilate((hanging & nearby).astype(np.uint8), _disc(diameter)) > 0


def _disc(diameter: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter)), np.uint8)


def fine_lines(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of dark lines some pixels wide in an RGB image (h, w, 3), (h, w) bool.

    What closing fills (the black top-hat: Meyer 1979), where it stands out of what it is around it, in
    connected parts that are as long as lines are.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1)
    filled = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((_KERNEL_PX, _KERNEL_PX), np.uint8))
    height, width = grey.shape
    few = (max(1, width // _AROUND_PX), max(1, height // _AROUND_PX))
    means = cv2.resize(filled.astype(np.float32), few, interpolation=cv2.INTER_AREA)
    around = cv2.resize(means, (width, height), interpolation=cv2.INTER_LINEAR)
    strong = (filled > _LEVELS) & (filled > _ABOVE_AROUND * around)
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        strong.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    long = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) >= _SHORTEST_PX
    long[0] = False
    return np.asarray(long[labels], np.bool_)
