"""Good, odd and hostile input. Other tests feed it to the API and the workers."""

import functools
import io
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image

from tests.photos import zips
from tests.photos.pictures import encode, exif, heic, png, two_hundred_megapixels, wall
from wallscan.domain.codes import Code


def _zero_height_jpeg() -> bytes:
    data = bytearray(encode(wall()))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 7] = b"\x00\x00"
    return bytes(data)


def _flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def _cut(data: bytes, share: float = 0.6) -> bytes:
    return data[: int(len(data) * share)]


BadPhoto = tuple[str, bytes, Code]


@functools.cache
def bad_photos() -> dict[str, BadPhoto]:
    """Name of the fault: (file name, bytes, the code it must get)."""
    jpeg, lossless = encode(wall(640, 480)), encode(wall(), "PNG")
    preview = encode(wall(), "TIFF", tiffinfo={50706: b"\x01\x04\x00\x00"})
    return {
        "empty": ("empty.jpg", b"", Code.PHOTO_EMPTY),
        "text named jpg": ("notes.jpg", b"Crack above the door, 2 mm\n", Code.PHOTO_NOT_AN_IMAGE),
        "html named png": ("error.png", b"<!DOCTYPE html><title>404</title>", Code.PHOTO_NOT_AN_IMAGE),
        "truncated jpeg": ("cut.jpg", _cut(jpeg), Code.PHOTO_TRUNCATED),
        "jpeg cut in header": ("head.jpg", jpeg[:30], Code.PHOTO_TRUNCATED),
        "jpeg without its last bytes": ("tail.jpg", jpeg[:-2], Code.PHOTO_TRUNCATED),
        "jpeg padded with zeros": ("hole.jpg", _cut(jpeg).ljust(len(jpeg), b"\0"), Code.PHOTO_TRUNCATED),
        "truncated progressive jpeg": (
            "progressive.jpg",
            _cut(encode(wall(640, 480), progressive=True)),
            Code.PHOTO_TRUNCATED,
        ),
        "truncated png": ("cut.png", _cut(lossless), Code.PHOTO_TRUNCATED),
        "truncated webp": ("cut.webp", _cut(encode(wall(), "WEBP")), Code.PHOTO_TRUNCATED),
        "truncated tiff": ("cut.tif", _cut(encode(wall(), "TIFF")), Code.PHOTO_TRUNCATED),
        "truncated heic": ("cut.heic", _cut(heic()), Code.PHOTO_TRUNCATED),
        "zero pixels png": ("zero.png", png(0, 10, b""), Code.PHOTO_ZERO_PIXELS),
        "zero pixels jpeg": ("zero.jpg", _zero_height_jpeg(), Code.PHOTO_ZERO_PIXELS),
        "200 megapixels": ("huge.png", two_hundred_megapixels(), Code.PHOTO_TOO_MANY_PIXELS),
        "png with a wrong checksum": ("crc.png", _flipped(lossless, 60), Code.PHOTO_CORRUPT),
        "jpeg without tables": ("tables.jpg", jpeg.replace(b"\xff\xdb", b"\xff\xec"), Code.PHOTO_CORRUPT),
        "damaged heic": ("damaged.heic", heic().replace(b"hvcC", b"hvcX"), Code.PHOTO_CORRUPT),
        "gif": ("moving.gif", encode(wall(), "GIF"), Code.PHOTO_TYPE_UNSUPPORTED),
        "bmp": ("paint.bmp", encode(wall(), "BMP"), Code.PHOTO_TYPE_UNSUPPORTED),
        "avif": ("new.avif", encode(wall(), "AVIF"), Code.PHOTO_TYPE_UNSUPPORTED),
        "camera raw": ("raw.dng", preview, Code.PHOTO_TYPE_UNSUPPORTED),
        "32-bit float tiff": (
            "depth.tif",
            encode(wall()[:, :, 0].astype(np.float32), "TIFF"),
            Code.PHOTO_TYPE_UNSUPPORTED,
        ),
    }


def _sixteen_bit(kind: str) -> bytes:
    return encode(wall()[:, :, 0].astype(np.uint16) * 257, kind)


def _with_alpha(kind: str) -> bytes:
    alpha = np.full((48, 64, 1), 255, np.uint8)
    alpha[:24] = 0
    return encode(
        np.concatenate([wall(), alpha], axis=2), kind, **({"lossless": True} if kind == "WEBP" else {})
    )


def _converted(mode: str, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(wall()).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def _animated(kind: str) -> bytes:
    first, rest = Image.fromarray(wall()), [Image.fromarray(255 - wall())]
    buffer = io.BytesIO()
    first.save(
        buffer, kind, save_all=True, append_images=rest, **({"lossless": True} if kind == "WEBP" else {})
    )
    return buffer.getvalue()


@functools.cache
def odd_photos() -> dict[str, tuple[str, bytes]]:
    """Name of the oddity: (file name, bytes). All valid; each shows `wall()`, 64 x 48, when upright."""
    return {
        "plain jpeg": ("plain.jpg", encode(wall(), quality=95)),
        "progressive jpeg": ("progressive.jpg", encode(wall(), progressive=True, quality=95)),
        "jpeg with bytes after its end": ("tail.jpg", encode(wall(), quality=95) + b"\0" * 500),
        "jpeg named png": ("lies.png", encode(wall(), quality=95)),
        "jpeg with camera data": ("gps.jpg", encode(wall(), quality=95, exif=exif(camera=True))),
        "jpeg with damaged exif": (
            "exif.jpg",
            encode(wall(), quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
        ),
        "cmyk jpeg": ("print.jpg", _converted("CMYK", "JPEG", quality=95)),
        "greyscale jpeg": ("grey.jpg", _converted("L", "JPEG", quality=95)),
        "16-bit png": ("deep.png", _sixteen_bit("PNG")),
        "16-bit colour png": (
            "deeprgb.png",
            cv2.imencode(".png", wall()[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes(),
        ),
        "16-bit tiff": ("deep.tif", _sixteen_bit("TIFF")),
        "greyscale png": ("grey.png", _converted("L", "PNG")),
        "png with alpha": ("alpha.png", _with_alpha("PNG")),
        "webp with alpha": ("alpha.webp", _with_alpha("WEBP")),
        "palette png": ("palette.png", _converted("P", "PNG")),
        "animated png": ("moving.png", _animated("PNG")),
        "animated webp": ("moving.webp", _animated("WEBP")),
        "lzw tiff": ("lzw.tif", encode(wall(), "TIFF", compression="tiff_lzw")),
        "cmyk tiff": ("print.tif", _converted("CMYK", "TIFF")),
        "heic": ("phone.heic", heic(wall())),
    }


@dataclass(frozen=True)
class BadArchive:
    """A zip file, its code as a whole, its photos that must arrive and its entries that must not."""

    data: bytes
    code: Code | None = None
    photos: tuple[str, ...] = ()
    rejected: dict[str, Code] = field(default_factory=dict)


def _entry(name: str, data: bytes, code: Code) -> BadArchive:
    """A good photo, the bad entry, another good photo."""
    files = {"a/1.jpg": encode(wall(seed=1)), name: data, "b/2.jpg": encode(wall(seed=2))}
    return BadArchive(zips.make(files), photos=("a/1.jpg", "b/2.jpg"), rejected={name: code})


def _marked(archive: BadArchive, **marks: int) -> BadArchive:
    (name,) = archive.rejected
    return BadArchive(
        zips.marked(archive.data, name, **marks), photos=archive.photos, rejected=archive.rejected
    )


@functools.cache
def bad_archives() -> dict[str, BadArchive]:
    """Name of the fault: the archive and what must become of it."""
    photo = encode(wall(seed=3))
    good = zips.make({"a/1.jpg": photo, "b/2.jpg": encode(wall(seed=4))})
    damaged = BadArchive(good, photos=("b/2.jpg",), rejected={"a/1.jpg": Code.ARCHIVE_ENTRY_CORRUPT})
    return {
        "climbing path": _entry("../../etc/cron.d/x.jpg", photo, Code.PATH_INVALID),
        "climbing with backslashes": _entry("a\\..\\..\\x.jpg", photo, Code.PATH_INVALID),
        "absolute path": _entry("/etc/x.jpg", photo, Code.PATH_INVALID),
        "drive letter": _entry("C:\\Users\\x.jpg", photo, Code.PATH_INVALID),
        "symlink": _marked(
            _entry("a/link.jpg", b"/etc/passwd", Code.ARCHIVE_ENTRY_SYMLINK), external_attr=0o120777 << 16
        ),
        "device": _marked(
            _entry("a/null.jpg", b"", Code.ARCHIVE_ENTRY_UNSUPPORTED), external_attr=0o020666 << 16
        ),
        "encrypted": _marked(_entry("a/secret.jpg", photo, Code.ARCHIVE_ENTRY_ENCRYPTED), flag_bits=1),
        "unusual compression": _marked(
            _entry("a/odd.jpg", photo, Code.ARCHIVE_ENTRY_UNSUPPORTED), compress_type=12
        ),
        "nested zip": _entry("a/more.zip", good, Code.ARCHIVE_ENTRY_NESTED),
        "nested zip named jpg": _entry("a/more.jpg", good, Code.ARCHIVE_ENTRY_NESTED),
        "bomb": _entry("a/zeros.png", b"\0" * 40_000_000, Code.ARCHIVE_BOMB),
        "text file": _entry("a/notes.txt", b"Crack above the door\n", Code.PHOTO_NOT_AN_IMAGE),
        "empty file": _entry("a/empty.jpg", b"", Code.PHOTO_EMPTY),
        "duplicate path": BadArchive(
            zips.make([("a/1.jpg", photo), ("a//1.jpg", photo)]),
            photos=("a/1.jpg",),
            rejected={"a//1.jpg": Code.ARCHIVE_ENTRY_DUPLICATE},
        ),
        "damaged entry": BadArchive(zips.damaged(good, "a/1.jpg"), None, damaged.photos, damaged.rejected),
        "understated size": BadArchive(
            zips.marked(good, "a/1.jpg", file_size=100), None, damaged.photos, damaged.rejected
        ),
        "overlapping entries": BadArchive(zips.overlapping(photo), Code.ARCHIVE_BOMB),
        "long table of contents": BadArchive(zips.crowded(200_000), Code.ARCHIVE_TOO_MANY_ENTRIES),
        "truncated": BadArchive(good[: len(good) // 2], Code.ARCHIVE_TRUNCATED),
        "not a zip": BadArchive(photo, Code.ARCHIVE_NOT_ZIP),
        "no bytes": BadArchive(b"", Code.ARCHIVE_NOT_ZIP),
        "no entries": BadArchive(zips.make({}), Code.ARCHIVE_EMPTY),
        "only clutter": BadArchive(zips.make({"__MACOSX/._1.jpg": b"x", "a/": b""}), Code.ARCHIVE_EMPTY),
    }
