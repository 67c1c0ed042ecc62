"""Is the photo itself fit to be judged? Sharpness and brightness, whatever is in it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.review import ReviewReason

NORMAL_PX = 640
"""Photos are judged at this long side, so that a large one and a small one of a scene are judged alike."""
SHARP_VARIANCE = 5.0
"""Variance of the Laplacian (levels^2) below which a photo counts as blurred.

Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000. Of 600 sharp photos of drywall
4 lie below it; blurred by a Gaussian of 2 pixels of this size 77 % do, of 3 pixels 99 %. A bare wall has
little to be sharp, so the limit is low.
"""
DARK_LEVEL, BRIGHT_LEVEL = 40, 250
"""Median grey levels, of 0 to 255, between which a photo is neither too dark nor too bright."""


def photo_reasons(pixels: NDArray[np.uint8]) -> list[ReviewReason]:
    """What is wrong with an upright RGB photo (H, W, 3), in the order of `ReviewReason`."""
    grey = normal_grey(pixels)
    level = float(np.median(grey))
    checks = (
        (ReviewReason.BLURRED, sharpness(grey) < SHARP_VARIANCE),
        (ReviewReason.TOO_DARK, level < DARK_LEVEL),
        (ReviewReason.TOO_BRIGHT, level > BRIGHT_LEVEL),
    )
    return [reason for reason, holds in checks if holds]


def normal_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey levels with a long side of at most `NORMAL_PX`, averaged over what each pixel covers."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    share = NORMAL_PX / max(grey.shape)
    if share >= 1.0:
        return grey
    height, width = (max(1, round(side * share)) for side in grey.shape)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def sharpness(grey: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian of a grey photo (h, w), in levels squared."""
    return float(cv2.Laplacian(grey, cv2.CV_32F).var(dtype=np.float64))
