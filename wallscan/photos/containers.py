"""What a file's own structure says, read before any decoder runs: size, and whether all of it is there.

Decoders fill what a cut-short file lacks with grey or zeros and call it a picture; each format's
structure tells honestly where it ought to end.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.photos.sniff import MediaType

_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_SOS, _JPEG_EOI = 0xDA, 0xD9
_JPEG_BARE = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
_JPEG_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TIFF_TYPE_CHARS = {1: "B", 3: "H", 4: "I"}
_TIFF_TAGS = frozenset({254, 256, 257, 273, 279, 324, 325, 50706})
_TIFF_MAX_STRIPS = 1 << 20


class Size(NamedTuple):
    """Stored size in pixels, before any rotation."""

    width_px: int
    height_px: int


def read_size(data: bytes, media_type: MediaType) -> Size | None:
    """Stored size of a complete file; None for HEIC, whose decoder reads its header alone.

    Raises PhotoError `photo_truncated`, `photo_corrupt`, `photo_zero_pixels`, or
    `photo_type_unsupported` for a camera's raw file dressed as TIFF.
    """
    try:
        size = _READERS[media_type](data)
    except (IndexError, struct.error) as error:
        raise truncated("inside its header") from error
    if size is not None and 0 in size:
        raise PhotoError(Code.PHOTO_ZERO_PIXELS, f"the image is {size.width_px} x {size.height_px} pixels")
    return size


def truncated(where: str) -> PhotoError:
    """The error of a file that ends too early, saying where."""
    return PhotoError(Code.PHOTO_TRUNCATED, f"the file ends {where}: it was probably not copied whole")


def corrupt(what: str) -> PhotoError:
    """The error of a file whose content contradicts its type."""
    return PhotoError(Code.PHOTO_CORRUPT, f"the image is damaged: {what}")


def _jpeg(data: bytes) -> Size:
    """Walk the segments to the end marker; a scan ends at the first FF that is neither stuffed nor RST."""
    size, scanned = None, False
    for marker, start, end in _jpeg_segments(data):
        if marker in _JPEG_SOF:
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = Size(width, height)
        scanned = scanned or marker == _JPEG_SOS
        if end > len(data):
            raise truncated("inside a segment")
    if size is None or (not scanned and 0 not in size):
        raise corrupt("it holds no picture")
    return size


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start of payload, end) up to the end marker."""
    position = 2
    while True:
        found = _SCAN_END.search(data, position)
        if found is None:
            raise truncated("before the picture's end marker")
        marker, start = data[found.start() + 1], found.end()
        if marker == _JPEG_EOI:
            return
        if marker in _JPEG_BARE:
            position = start
            continue
        (length,) = struct.unpack_from(">H", data, start)
        position = start + length
        yield marker, start + 2, position


def _png(data: bytes) -> Size:
    """Walk the chunks to IEND, checking the CRC of the critical ones (the decoder does not)."""
    if data[12:16] != b"IHDR":
        raise truncated("inside its header") if len(data) < 16 else corrupt("the header chunk is missing")
    view, position = memoryview(data), 8
    while True:
        (length,) = struct.unpack_from(">I", data, position)
        kind, end = data[position + 4 : position + 8], position + 12 + length
        if end > len(data):
            raise truncated("before the picture does")
        critical = not kind[0] & 0x20
        if critical and zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise corrupt(f"checksum of chunk {kind!r} is wrong")
        if kind == b"IEND":
            return Size(*struct.unpack_from(">II", data, 16))
        position = end


def _webp(data: bytes) -> Size:
    """The first chunk holds the size, in one of three spellings (RFC 9649, section 2)."""
    (riff_bytes,) = struct.unpack_from("<I", data, 4)
    if riff_bytes + 8 > len(data):
        raise truncated("before the picture does")
    kind = data[12:16]
    if kind == b"VP8X":
        return Size(int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    raise corrupt("the picture chunk is missing")


def _tiff(data: bytes) -> Size:
    """The first directory: size, and strips or tiles that must all lie inside the file."""
    tags = _tiff_tags(data)
    if 50706 in tags or tags.get(254, (0,))[0] & 1:
        raise PhotoError(Code.PHOTO_TYPE_UNSUPPORTED, "a camera's raw file (its TIFF page is a preview)")
    if not tags.get(256) or not tags.get(257):
        raise corrupt("it has no size")
    starts = tags.get(273) or tags.get(324) or ()
    lengths = tags.get(279) or tags.get(325) or ()
    if any(start + length > len(data) for start, length in zip(starts, lengths, strict=False)):
        raise truncated("before the picture does")
    return Size(tags[256][0], tags[257][0])


def _tiff_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """The needed integer tags of the first directory (TIFF 6.0, section 2), each at its first mention."""
    order = "<" if data[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, directory)
    tags: dict[int, tuple[int, ...]] = {}
    for position in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(order + "HHI", data, position)
        if kind in _TIFF_TYPE_CHARS and tag in _TIFF_TAGS - tags.keys():
            if count > _TIFF_MAX_STRIPS:
                raise corrupt("it claims too many strips")
            layout = f"{order}{count}{_TIFF_TYPE_CHARS[kind]}"
            inline = struct.calcsize(layout) <= 4
            where = position + 8 if inline else struct.unpack_from(order + "I", data, position + 8)[0]
            tags[tag] = struct.unpack_from(layout, data, where)
    return tags


def _heic(data: bytes) -> None:
    """Walk the top-level boxes (ISO/IEC 14496-12): the last one must end inside the file."""
    position = 0
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, position + 8)
        if length == 0:
            return
        if length < 8:
            raise corrupt("a box is shorter than its own header")
        position += length
    if position > len(data):
        raise truncated("before the picture does")


_READERS = {
    MediaType.HEIC: _heic,
    MediaType.JPEG: _jpeg,
    MediaType.PNG: _png,
    MediaType.TIFF: _tiff,
    MediaType.WEBP: _webp,
}
