"""Pictures as files of any kind, made here byte by byte; the same bytes each time."""

import io
import struct
import zlib

import cv2
import numpy as np
import pillow_heif
from PIL import Image

ORIENTATIONS = range(1, 9)
_ORIENTATION, _MAKE, _MODEL, _DATE, _GPS = 0x0112, 0x010F, 0x0110, 0x0132, 0x8825


def wall(width_px: int = 64, height_px: int = 48, seed: int = 0) -> np.ndarray:
    """A little wall, (H, W, 3) uint8: a light gradient, some noise, one dark diagonal crack."""
    rng = np.random.default_rng(seed)
    light = np.linspace(225, 175, width_px)[None, :] + rng.normal(0, 2, (height_px, width_px))
    pixels = np.repeat(light[:, :, None], 3, axis=2).clip(0, 255).astype(np.uint8)
    start, end = (0, height_px // 3 + seed % 7), (width_px - 1, height_px * 2 // 3)
    cv2.line(pixels, start, end, (60, 55, 50), max(1, width_px // 40))
    return pixels


def quarters(width_px: int = 40, height_px: int = 30) -> np.ndarray:
    """Four colours, one a quarter: white, red / green, blue. Says which way up a picture is."""
    pixels = np.zeros((height_px, width_px, 3), np.uint8)
    top, left = height_px // 2, width_px // 2
    pixels[:top, :left], pixels[:top, left:] = (255, 255, 255), (255, 0, 0)
    pixels[top:, :left], pixels[top:, left:] = (0, 255, 0), (0, 0, 255)
    return pixels


def turned(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels a camera stores so that EXIF `orientation` makes them `upright` again."""
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(stored[orientation])


def encode(pixels: np.ndarray, kind: str = "JPEG", **options: object) -> bytes:
    """Pixels as a file of Pillow's format `kind`."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int = 1, *, camera: bool = False) -> Image.Exif:
    """An EXIF block; with `camera`, also maker, model, time and a GPS position."""
    block = Image.Exif()
    block[_ORIENTATION] = orientation
    if camera:
        block[_MAKE], block[_MODEL], block[_DATE] = "Canon", "Canon EOS R8", "2026:03:14 15:09:26"
        block[_GPS] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
    return block


def oriented(orientation: int, kind: str = "PNG") -> bytes:
    """A file that shows `quarters()` once its orientation is applied."""
    options: dict[str, object] = {"exif": exif(orientation)}
    if kind == "WEBP":
        options["lossless"] = True
    return encode(turned(quarters(), orientation), kind, **options)


def heic(pixels: np.ndarray | None = None, orientation: int = 1, **options: object) -> bytes:
    """A real HEIC file, with `orientation` as its own rotation and in EXIF, as phones write both.

    Lossless and with all colours, unless `options` of pillow-heif say otherwise.
    """
    image = Image.fromarray(turned(quarters(64, 48) if pixels is None else pixels, orientation))
    buffer = io.BytesIO()
    file = pillow_heif.from_pillow(image)
    wanted = {"quality": -1, "chroma": 444} | options
    file.save(buffer, exif=exif(orientation).tobytes(), **wanted)
    return buffer.getvalue()


def png(width: int, height: int, raw: bytes, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG with any header, however wrong, round the zlib stream of `raw`."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def two_hundred_megapixels() -> bytes:
    """20,000 x 10,000 pixels that are really there, in about 25 kB."""
    return png(20_000, 10_000, b"\x00" * (10_000 * (1 + 20_000 // 8)), depth=1)
