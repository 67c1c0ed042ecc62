"""Pictures for people: the photo with what was found on it. Written from pixels, so without metadata."""

import io
import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from wallscan.domain.palette import PALETTE
from wallscan.photos.decode import RgbPixels, decode
from wallscan.photos.limits import PhotoLimits
from wallscan.photos.masks import Mask

_TINT = 0.35
_JPEG_QUALITY = 85
_VISIBLE_SHARE = 0.1
_DEFAULT_LIMITS = PhotoLimits()


def overlay_jpeg(pixels: RgbPixels, masks: Sequence[Mask], max_side_px: int = 1600) -> bytes:
    """A JPEG of the photo, each mask tinted and outlined in its colour of `PALETTE`.

    `pixels` is (H, W, 3) uint8, possibly reduced; each mask is (H', W') uint8 0/255 of the same view. The
    outline runs beside the mask, not on it: a hairline crack stays visible inside, however small.
    """
    picture = _within(pixels, max_side_px)
    size = (picture.shape[1], picture.shape[0])
    canvas = picture.astype(np.float32)
    for mask, colour in zip(masks, itertools.cycle(PALETTE), strict=False):
        share = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        found = (share >= _VISIBLE_SHARE).astype(np.uint8)
        rgb = np.array(list(bytes.fromhex(colour[1:])), np.float32)
        canvas += (found * _TINT)[:, :, None] * (rgb - canvas)
        canvas[_outline(found)] = rgb
    return _jpeg(np.rint(canvas).astype(np.uint8), thin_colours=True)


def thumbnail_jpeg(data: bytes, max_side_px: int = 512, limits: PhotoLimits = _DEFAULT_LIMITS) -> bytes:
    """A small upright JPEG of a photo's bytes, decoded at reduced size. Raises PhotoError as `decode`."""
    return _jpeg(_within(decode(data, limits, target_px=max_side_px).pixels, max_side_px))


def _outline(found: Mask) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A line round each part, one pixel away from it and as wide as the picture's size asks for."""
    width_px = max(1, round(max(found.shape) / 800))
    near = cv2.dilate(found, _disc(1))
    return (cv2.dilate(near, _disc(width_px)) - near).astype(bool)


def _disc(radius_px: int) -> Mask:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2).astype(np.uint8)


def _within(pixels: RgbPixels, max_side_px: int) -> RgbPixels:
    """Reduced so that the longer side has at most `max_side_px`; never enlarged."""
    height, width = pixels.shape[:2]
    scale = max_side_px / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _jpeg(pixels: RgbPixels, *, thin_colours: bool = False) -> bytes:
    """With `thin_colours`, colour is kept at full resolution: halved, it washes out a thin outline."""
    buffer = io.BytesIO()
    subsampling = "4:4:4" if thin_colours else "4:2:0"
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=subsampling)
    return buffer.getvalue()
