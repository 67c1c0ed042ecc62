"""Bytes to upright RGB pixels.

Decoders are constructed by sniffed type, not through `Image.open`: that one asks every plugin, and its
bomb check warns through process-wide state. The pixel limit is checked here instead, from the header.
Colour profiles are not applied; transparency lies on white, as on paper.
"""

import io
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.photos.containers import Size, corrupt, read_size
from wallscan.photos.exif import ExifFacts, read_exif
from wallscan.photos.limits import PhotoLimits
from wallscan.photos.sniff import MediaType, sniff

RgbPixels = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, sRGB as stored, C-contiguous."""

_DEFAULT_LIMITS = PhotoLimits()
_PLUGINS: dict[MediaType, type[ImageFile.ImageFile]] = {
    MediaType.JPEG: JpegImageFile,
    MediaType.PNG: PngImageFile,
    MediaType.TIFF: TiffImageFile,
    MediaType.WEBP: WebPImageFile,
}
_EIGHT_BIT_MODES = frozenset(
    {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
)
_TURNED = {2: (False, 1, -1), 3: (False, -1, -1), 4: (False, -1, 1)} | {
    5: (True, 1, 1), 6: (True, 1, -1), 7: (True, -1, -1), 8: (True, -1, 1)
}  # fmt: skip
"""Of each EXIF orientation: whether rows are columns, and then the steps down and across that undo it."""
_STRIP_PX = 1 << 20
"""Pixels that are made RGB at once: some 16 bytes each while they are."""


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What is known of a photo without looking at it. Sizes are those of the upright original.

    `orientation` is the EXIF value that was undone (1 where nothing was; HEIC turns itself by its own
    properties and counts as 1). `taken_at` is aware; a camera's clock without a zone is read as UTC.
    """

    media_type: MediaType
    width_px: int
    height_px: int
    orientation: int
    taken_at: datetime | None
    camera: str | None


@dataclass(frozen=True, slots=True)
class Photo:
    """Upright pixels with the facts of the original; `pixels` may be smaller than the facts' size."""

    pixels: RgbPixels
    facts: PhotoFacts


@dataclass(frozen=True, slots=True)
class Header:
    """What the structure says: type, and stored size in pixels (for HEIC, the upright one)."""

    media_type: MediaType
    width_px: int
    height_px: int


def check(data: bytes, limits: PhotoLimits = _DEFAULT_LIMITS) -> Header:
    """The header of a file that is complete and within the limits; nothing is decoded.

    Raises PhotoError `photo_empty`, `photo_too_many_bytes`, `photo_not_an_image`,
    `photo_type_unsupported`, `photo_truncated`, `photo_corrupt`, `photo_zero_pixels` or
    `photo_too_many_pixels`.
    """
    if len(data) > limits.max_bytes:
        raise PhotoError(
            Code.PHOTO_TOO_MANY_BYTES, f"the file has {len(data)} bytes, at most {limits.max_bytes} are taken"
        )
    media_type = sniff(data)
    size = read_size(data, media_type) or _heic_size(data)
    if size.width_px * size.height_px > limits.max_pixels or max(size) > limits.max_side_px:
        raise PhotoError(
            Code.PHOTO_TOO_MANY_PIXELS,
            f"{size.width_px} x {size.height_px} pixels, at most {limits.max_pixels} are taken, "
            f"and {limits.max_side_px} along a side",
        )
    return Header(media_type, *size)


def decode(data: bytes, limits: PhotoLimits = _DEFAULT_LIMITS, target_px: int | None = None) -> Photo:
    """Upright RGB pixels and facts of one photo (of an animation, its first frame).

    With `target_px` the pixels are reduced by whole factors, area-averaged: their shorter side is then at
    least `target_px` (or the original's, if that is smaller) and mostly under twice of it. JPEG is reduced
    inside its decoder, so that its full size never lies in memory, but for the coefficients of a progressive
    one. Of other types it does, once; docs/tiles.md has the bytes a pixel. Safe to call from many threads.

    Raises PhotoError with the codes of `check`.
    """
    header = check(data, limits)
    try:
        image, exif = _load(data, header.media_type, target_px)
        pixels = _pixels(image, target_px)
        image.close()
        # Pillow's TIFF plugin has turned the photo while loading.
        upright = pixels if header.media_type is MediaType.TIFF else _upright(pixels, exif.orientation)
    except (MemoryError, PhotoError):
        raise
    except Image.DecompressionBombError as error:
        raise PhotoError(Code.PHOTO_TOO_MANY_PIXELS, str(error)) from error
    except Exception as error:  # decoders raise anything on hostile bytes
        raise corrupt(f"its decoder says {str(error) or type(error).__name__}") from error
    return Photo(upright, _facts(header, exif))


def _facts(header: Header, exif: ExifFacts) -> PhotoFacts:
    lying = exif.orientation >= 5
    return PhotoFacts(
        media_type=header.media_type,
        width_px=header.height_px if lying else header.width_px,
        height_px=header.width_px if lying else header.height_px,
        orientation=exif.orientation,
        taken_at=exif.taken_at,
        camera=exif.camera,
    )


def _load(data: bytes, media_type: MediaType, target_px: int | None) -> tuple[Image.Image, ExifFacts]:
    """A loaded Pillow image and its EXIF, read before loading (TIFF forgets its orientation then)."""
    if media_type is MediaType.HEIC:
        # Turned here by the file's own rotation; the EXIF tag that repeats it comes back as 1.
        heic = pillow_heif.open_heif(data).to_pillow()
        return heic, read_exif(heic)
    image = _PLUGINS[media_type](io.BytesIO(data))
    exif = read_exif(image)
    if target_px is not None:
        image.draft(None, (target_px, target_px))
    image.load()
    return image, exif


def _heic_size(data: bytes) -> Size:
    try:
        return Size(*pillow_heif.open_heif(data).size)
    except Exception as error:
        raise corrupt(f"its decoder says {error}") from error


def _pixels(image: Image.Image, target_px: int | None) -> RgbPixels:
    """The image as RGB, reduced; strip by strip, so that little is held beside what the decoder made."""
    if not (image.mode.startswith("I;16") or image.mode in _EIGHT_BIT_MODES):
        raise PhotoError(Code.PHOTO_TYPE_UNSUPPORTED, f"pixels of kind {image.mode!r} are not taken")
    depth = image.tag_v2.get(258, (16,))[0] if isinstance(image, TiffImageFile) else 16
    width, height = image.size
    factor = max(1, min(image.size) // target_px) if target_px else 1
    rows = factor * max(1, _STRIP_PX // (width * factor))
    pixels = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for top in range(0, height, rows):
        strip = _rgb(image.crop((0, top, width, min(top + rows, height))), depth)
        pixels[top // factor :][: rows // factor] = np.asarray(strip.reduce(factor) if factor > 1 else strip)
    return pixels


def _rgb(image: Image.Image, depth: int) -> Image.Image:
    """Any mode to RGB: values of `depth` bits scaled to 8, transparency on white."""
    if image.mode.startswith("I;16"):
        return _from_16_bit(image, depth)
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    layered = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(layered, mask=layered.getchannel("A"))
    return paper


def _from_16_bit(image: Image.Image, depth: int) -> Image.Image:
    """Pillow's own conversion clips at 255; this scales by the depth that the file declares."""
    values = np.asarray(image).astype(np.float32) * (255.0 / ((1 << depth) - 1))
    return Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8)).convert("RGB")


def _upright(pixels: RgbPixels, orientation: int) -> RgbPixels:
    """Undo the EXIF orientation."""
    if orientation not in _TURNED:
        return pixels
    lying, down, across = _TURNED[orientation]
    stored = pixels.transpose(1, 0, 2) if lying else pixels
    return np.ascontiguousarray(stored[::down, ::across])
