"""Two names for a picture: of its bytes (the same file), and of its looks (nearly the same picture)."""

import hashlib
from typing import IO

import cv2
import numpy as np
import numpy.typing as npt

_SMALL_PX = 32
_LOW_FREQUENCIES = 8


def sha256_hex(file: IO[bytes]) -> str:
    """SHA-256 of a file from its present position, in bounded memory."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file works


def perceptual_hash(pixels: npt.NDArray[np.uint8]) -> str:
    """16 hexadecimal digits (64 bits) that nearly alike pictures nearly share.

    `pixels` is (H, W, 3) uint8 RGB. The sign of each of the lowest 8 x 8 cosine frequencies against their
    median (C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_LOW_FREQUENCIES, :_LOW_FREQUENCIES].ravel()
    return np.packbits(low > np.median(low)).tobytes().hex()
