"""A photo's type by its first bytes. Names and announced types are never asked: they lie."""

from enum import StrEnum

from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError


class MediaType(StrEnum):
    """The accepted types: what phones, cameras and scanners of site photos write."""

    HEIC = "image/heic"
    JPEG = "image/jpeg"
    PNG = "image/png"
    TIFF = "image/tiff"
    WEBP = "image/webp"


_ACCEPTED = (
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"II*\x00", MediaType.TIFF),
    (b"MM\x00*", MediaType.TIFF),
)
_REFUSED = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"8BPS", "Photoshop"),
    (b"II+\x00", "BigTIFF"),
    (b"MM\x00+", "BigTIFF"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"FUJIFILM", "Fuji raw"),
    (b"IIU\x00", "Panasonic raw"),
    (b"IIRO", "Olympus raw"),
    (b"%PDF", "PDF"),
    (b"\x00\x00\x01\x00", "icon"),
)
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def sniff(data: bytes) -> MediaType:
    """The media type of a photo's bytes (its first 64 are enough).

    Raises PhotoError `photo_empty`, `photo_type_unsupported` (a known type that is not accepted) or
    `photo_not_an_image`.
    """
    if not data:
        raise PhotoError(Code.PHOTO_EMPTY, "the file is empty")
    for magic, media_type in _ACCEPTED:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return MediaType.WEBP
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    for magic, name in _REFUSED:
        if data.startswith(magic):
            raise _unsupported(name)
    raise PhotoError(Code.PHOTO_NOT_AN_IMAGE, "the content is not an image of any known type")


def _iso_media(data: bytes) -> MediaType:
    """HEIC by its brands; its container also holds AVIF, raw files and films."""
    box = data[: min(int.from_bytes(data[:4]), 64)]
    brands = {box[8:12], *(box[start : start + 4] for start in range(16, len(box), 4))}
    if b"avif" in brands or b"avis" in brands:
        raise _unsupported("AVIF")
    if brands & _HEIC_BRANDS:
        return MediaType.HEIC
    raise _unsupported("film or raw")


def _unsupported(name: str) -> PhotoError:
    return PhotoError(
        Code.PHOTO_TYPE_UNSUPPORTED,
        f"a file of type {name}; accepted are JPEG, PNG, HEIC, WebP and TIFF",
    )
