"""Masks as files: PNG for people and tools, COCO run lengths for annotation programs.

A mask is (H, W) uint8 of the upright photo's size: 255 where the prompt was found, else 0.
"""

from functools import lru_cache
from typing import TypedDict

import cv2
import numpy as np
import numpy.typing as npt

from wallscan.photos.containers import corrupt
from wallscan.photos.decode import check
from wallscan.photos.limits import PhotoLimits
from wallscan.photos.png import encode_grey_png

Mask = npt.NDArray[np.uint8]

_DEFAULT_LIMITS = PhotoLimits()


class CocoRle(TypedDict):
    """COCO's compressed run-length encoding: `size` is [height, width] in pixels."""

    size: list[int]
    counts: str


def encode_mask_png(mask: Mask) -> bytes:
    """A mask as an 8-bit greyscale PNG that holds 0 and 255 alone.

    Not one bit a pixel: Pillow reads such a file as booleans, where `mask == 255` finds nothing.
    Raises ValueError where `mask` is not (H, W) uint8 or holds other values.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or not _is_binary(mask):
        raise ValueError(f"not a 0/255 mask: {mask.dtype} {mask.shape}")
    return encode_grey_png(mask)


@lru_cache(maxsize=8)
def empty_mask_png(height_px: int, width_px: int) -> bytes:
    """`encode_mask_png` of zeros: most prompts find nothing, and a site's photos are of few sizes."""
    return encode_mask_png(np.zeros((height_px, width_px), np.uint8))


def decode_mask_png(data: bytes, limits: PhotoLimits = _DEFAULT_LIMITS) -> Mask:
    """The mask in a PNG, of one or eight bits a pixel.

    Raises PhotoError with the codes of `decode.check`, and `photo_corrupt` where it is no 0/255 mask.
    """
    check(data, limits)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 2 or decoded.dtype != np.uint8:
        raise corrupt("it is no mask of one channel")
    mask = decoded.astype(np.uint8, copy=False)
    if not _is_binary(mask):
        raise corrupt("it is no mask of 0 and 255")
    return mask


def encode_rle(mask: Mask) -> CocoRle:
    """Run lengths down the columns, beginning with zeros, as COCO's compressed string."""
    flat = mask.T.ravel() > 0
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    counts = [0, *runs] if flat.size and flat[0] else runs
    return {"size": [mask.shape[0], mask.shape[1]], "counts": pack_counts(counts)}


def decode_rle(rle: CocoRle) -> Mask:
    """The mask of COCO's compressed run lengths. Raises ValueError where they do not fill `size`."""
    height, width = rle["size"]
    counts = unpack_counts(rle["counts"])
    if any(count < 0 for count in counts) or sum(counts) != height * width:
        raise ValueError(f"run lengths do not fill {height} x {width} pixels")
    values = np.arange(len(counts)) % 2 * 255
    return np.repeat(values.astype(np.uint8), counts).reshape(width, height).T.copy()


def _is_binary(mask: Mask) -> bool:
    # No pixel is over 255: the sum is that of so many only where each that is not 0 is 255.
    return cv2.sumElems(mask)[0] == 255 * cv2.countNonZero(mask)


def pack_counts(counts: list[int]) -> str:
    """Each count less the one before the last, in 5-bit groups (pycocotools, maskApi.c, rleToString)."""
    packed = bytearray()
    for position, count in enumerate(counts):
        rest = count - counts[position - 2] if position > 2 else count
        more = True
        while more:
            group, rest = rest & 0x1F, rest >> 5
            more = rest != (-1 if group & 0x10 else 0)
            packed.append(48 + (group | 0x20 if more else group))
    return packed.decode("ascii")


def unpack_counts(packed: str) -> list[int]:
    """What `pack_counts` packed."""
    counts: list[int] = []
    value, shift = 0, 0
    for group in (ord(character) - 48 for character in packed):
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value, shift = 0, 0
    return counts
