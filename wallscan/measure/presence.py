"""Is the thing there at all? One number per probability map, compared with the prompt's gate.

Maps below the gate are taken as empty before any threshold splits them. Gates are levels of the score that
the model's manifest names, fitted with it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.looks import SQUARE_SHARE
from wallscan.models.manifest import Gate

CERTAINTIES = tuple(level / 10 for level in range(1, 10))


def presence_score(probability: NDArray[np.float32], gate: Gate, view_cells: int | None = None) -> float:
    """The score of a probability map (h, w) that the gate is a level of, in 0..1.

    `view_cells` is the side of what the network saw at once, where that is not the whole map.
    """
    score = extent if gate.presence_by == "extent" else local_mean
    return score(probability, view_cells or max(probability.shape))


def extent(probability: NDArray[np.float32], view_cells: int) -> float:
    """The highest product of a certainty and the length of what is seen with it, in 0..1.

    The length is that of the longest 8-connected part above the certainty: the diagonal of its bounding box,
    as a share of the view. So a faint line across the wall counts as much as a sure one of half its length,
    and dots, however sure, count little: grains and pores, which a local mean takes for cracks seen from
    near. docs/decisions/0013-presence-is-a-length.md compares both.
    """
    best = 0.0
    for certainty in CERTAINTIES:
        longest = _longest(probability > certainty) / view_cells
        best = max(best, certainty * longest)
        if CERTAINTIES[-1] * longest <= best:  # what is surer is no longer
            break
    return min(best, 1.0)


def local_mean(probability: NDArray[np.float32], view_cells: int) -> float:
    """The highest mean over a small square of the map, in 0..1: what gates of older bundles are levels of.

    The mean keeps dots, such as screw heads, from deciding, and a short crack still crosses a square. A thin
    crack fills a part of it alone, so gates lie well under 1.
    """
    side = max(1, round(view_cells * SQUARE_SHARE))
    return float(np.clip(cv2.blur(probability, (side, side)).max(), 0.0, 1.0))


def _longest(places: NDArray[np.bool_]) -> float:
    """The longest diagonal of the bounding box of 8-connected places (h, w), in cells; 0 where none is."""
    count, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        places.view(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    if count == 1:
        return 0.0
    sides = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return float(np.hypot(sides[:, 0], sides[:, 1]).max())
