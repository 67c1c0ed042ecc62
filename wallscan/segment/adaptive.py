"""Which windows are worth a closer look: where the whole photo's maps stir and fine dark lines are seen.

The two fail differently. The network, having shrunk the photo, stirs at anything that resembles a crack and
knows only about where; a filter for dark lines sees each of them in its place, and knows nothing of cracks.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.segment.grid import Grid, Window

STIRRED = 0.03
"""A probability of the whole photo's map, far below any that makes a mask."""
LINE_SHARE = 0.6
"""Pixels of fine lines that a core holds at least, as a share of the windows' side."""

_KERNEL_PX = 9
"""Dark lines narrower than this are seen; wider things show in the whole photo."""
_LEVELS = 6
_ABOVE_AROUND = 3
"""A line is darker than what is beside it by so many levels, and by so many times the mean around it."""
_AROUND_PX = 16
_SHORTEST_PX = 24


def worth_a_look(
    reduced: NDArray[np.uint8], whole: NDArray[np.float32], grid: Grid
) -> list[tuple[Window, ...]]:
    """Per prompt, the windows of the grid whose cores give it a reason, in the grid's order.

    `reduced` is the photo (h, w, 3) that the grid covers, `whole` the whole photo's maps (P, s, s). What is a
    reason for one prompt is none for another: its map would hang on what else is asked.
    """
    lines = fine_lines(reduced)
    lined = [
        (window, core)
        for window, core in zip(grid.windows, grid.cores, strict=True)
        if np.count_nonzero(lines[core.place]) >= LINE_SHARE * grid.side
    ]
    chosen = []
    for one in whole:
        stirred = cv2.resize(one, (grid.width, grid.height)) >= STIRRED
        chosen.append(tuple(window for window, core in lined if stirred[core.place].any()))
    return chosen


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
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strong.astype(np.uint8), connectivity=8)
    long = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) >= _SHORTEST_PX
    long[0] = False
    return np.asarray(long[labels], np.bool_)
