"""Probability maps as a network answers them: soft lines, a little noise, much empty wall."""

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.pipelines import Founding

FOUNDING_PARAMETERS = Founding()


def crack_map(seed: int, side: int = 352, lines: int = 3) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    drawn = np.zeros((side, side), np.uint8)
    for _ in range(lines):
        points = np.cumsum(rng.integers(-side // 6, side // 5, (9, 2)), axis=0) + rng.integers(0, side, 2)
        cv2.polylines(drawn, [points.astype(np.int32)], isClosed=False, color=255, thickness=9)
    soft = cv2.GaussianBlur(drawn.astype(np.float32) / 255.0, (0, 0), 2.5)
    noise = cv2.GaussianBlur(rng.normal(0.0, 0.15, (side, side)).astype(np.float32), (0, 0), 1.5)
    return np.asarray(np.clip(0.04 + 0.9 * soft + noise, 0.0, 1.0), np.float32)


def overlap(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0
