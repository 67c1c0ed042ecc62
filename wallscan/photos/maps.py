"""Probability maps as files: 8-bit greyscale PNG, a level of 255 being certain."""

import cv2
import numpy as np
import numpy.typing as npt

from wallscan.photos.containers import corrupt
from wallscan.photos.decode import check
from wallscan.photos.limits import PhotoLimits
from wallscan.photos.png import encode_grey_png

Levels = npt.NDArray[np.uint8]

_DEFAULT_LIMITS = PhotoLimits()


def encode_map_png(levels: Levels) -> bytes:
    """A map (h, w) uint8 as PNG. Raises ValueError where it is none."""
    if levels.ndim != 2 or levels.dtype != np.uint8:
        raise ValueError(f"not a map in 255ths: {levels.dtype} {levels.shape}")
    return encode_grey_png(levels, smooth=True)


def decode_map_png(data: bytes, limits: PhotoLimits = _DEFAULT_LIMITS) -> Levels:
    """The map (h, w) uint8 in a PNG.

    Raises PhotoError with the codes of `decode.check`, and `photo_corrupt` where it is no 8-bit greyscale.
    """
    check(data, limits)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 2 or decoded.dtype != np.uint8:
        raise corrupt("it is no map of one channel")
    return decoded.astype(np.uint8, copy=False)
