"""Photos by their looks: which of them are nearly the same picture, as it is, turned or mirrored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from wallscan.domain.errors import PhotoError
from wallscan.photos.decode import RgbPixels, decode
from wallscan.photos.hashing import perceptual_hash

NEAR_BITS = 4
"""Photos whose hashes differ in at most this many of 64 bits are nearly the same.

Of the crack and joint photos of docs/training.md, pairs at up to 4 bits are copies of one photo or plain
boards that nothing tells apart; from 6 bits on, many are different walls, and chains of them grow.
"""
_SMALL_PX = 32
_ROWS = 256
"""Rows of hashes that are compared at once: against 6,000 photos that takes 15 MB."""

Hash = int
Looks = tuple[Hash, ...]
"""Perceptual hashes of a photo in its eight positions; the first is that of the photo as it is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A photo that can be decoded: upright (width, height) in pixels, and its looks."""

    size: tuple[int, int]
    looks: Looks


def see(path: Path) -> Seen | str:
    """Decode a photo, small; the reason where that fails."""
    try:
        photo = decode(path.read_bytes(), target_px=_SMALL_PX)
    except (OSError, PhotoError) as error:
        return str(error)
    return Seen((photo.facts.width_px, photo.facts.height_px), looks_of(photo.pixels))


def looks_of(pixels: RgbPixels) -> Looks:
    """The hashes of (H, W, 3) uint8 RGB pixels, turned by quarters and mirrored."""
    small = cv2.resize(pixels, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA).astype(np.uint8)
    positions = (np.rot90(side, quarter) for side in (small, small[::-1]) for quarter in range(4))
    return tuple(int(perceptual_hash(np.ascontiguousarray(position)), 16) for position in positions)


def known(ones: Sequence[Looks], hashes: Sequence[Hash]) -> list[bool]:
    """Which photos are nearly the same as one of those with these hashes, in any position."""
    some = np.array(hashes, np.uint64)
    return [
        any(bool((np.bitwise_count(some ^ np.uint64(look)) <= NEAR_BITS).any()) for look in looks)
        for looks in ones
    ]


def alike(ones: Sequence[Looks], others: Sequence[Looks]) -> Iterator[tuple[int, int]]:
    """Places (in `ones`, in `others`) of photos that are nearly the same."""
    if not ones or not others:
        return
    left, right = np.array(ones, np.uint64), np.array(others, np.uint64)
    for first in range(0, len(left), _ROWS):
        rows = left[first : first + _ROWS, :, None]
        near = np.zeros((len(rows), len(right)), bool)
        for position in range(right.shape[1]):  # turning either is not quite the same to the last bit
            near |= np.bitwise_count(rows[:, 0] ^ right[:, position]) <= NEAR_BITS
            near |= np.bitwise_count(rows[:, position] ^ right[:, 0]) <= NEAR_BITS
        for row, column in np.argwhere(near).tolist():
            yield first + row, column
