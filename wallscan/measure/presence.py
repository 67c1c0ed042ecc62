"""Is the thing there at all? One number per probability map, compared with the prompt's gate."""

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.looks import PRESENCE_SHARE


def presence_score(probability: NDArray[np.float32], view_cells: int | None = None) -> float:
    """The highest local mean of a probability map (h, w), in 0..1.

    `view_cells` is the side of what the network saw at once, where that is not the whole map.

    The mean over a small square keeps dots, such as screw heads, from deciding, and a short crack still
    crosses one. A thin crack fills a part of the square alone, so gates lie well under 1. Maps below the
    prompt's gate are taken as empty before any threshold splits them. Of the statistics tried on held-out
    and rendered walls (quantiles, means of the highest shares, windows of 5 to 61 cells, extent and area of
    the largest part) this one parted cracked from clean walls best.
    """
    side = max(1, round((view_cells or max(probability.shape)) * PRESENCE_SHARE))
    return float(np.clip(cv2.blur(probability, (side, side)).max(), 0.0, 1.0))
