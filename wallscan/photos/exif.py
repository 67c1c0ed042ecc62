"""What a photo tells about itself: when, with what, which way up. Damaged EXIF never fails a photo."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeVar

from PIL import ExifTags, Image

_OFFSET = re.compile(r"^([+-])(\d\d):(\d\d)$")
_MAX_CAMERA_CHARS = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """`orientation` is EXIF's 1 to 8; `taken_at` is aware: a camera's clock without a zone is read as UTC."""

    orientation: int = 1
    taken_at: datetime | None = None
    camera: str | None = None


def read_exif(image: Image.Image) -> ExifFacts:
    """Facts of a Pillow image's EXIF; the default for each that is not there or cannot be read."""
    exif = _readable(image.getexif)
    if exif is None:
        return ExifFacts()
    return ExifFacts(
        orientation=_readable(lambda: _orientation(exif)) or 1,
        taken_at=_readable(lambda: _taken_at(exif)),
        camera=_readable(lambda: _camera(exif)),
    )


def _readable(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises a dozen types on damaged blocks
        return None


def _orientation(exif: Image.Exif) -> int:
    raw = exif.get(ExifTags.Base.Orientation)
    return raw if isinstance(raw, int) and 1 <= raw <= 8 else 1


def _taken_at(exif: Image.Exif) -> datetime | None:
    # They lie behind a pointer, which is what is damaged most often; the plain time does not.
    details = _readable(lambda: exif.get_ifd(ExifTags.IFD.Exif)) or {}
    raw = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    zone = _zone(_text(details.get(ExifTags.Base.OffsetTimeOriginal)))
    try:
        return datetime.strptime(_text(raw)[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        return None


def _zone(offset: str) -> timezone:
    match = _OFFSET.match(offset)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return UTC
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))


def _camera(exif: Image.Exif) -> str | None:
    make, model = _text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model))
    name = model if model.startswith(make) else f"{make} {model}".strip()
    return name[:_MAX_CAMERA_CHARS] or None


def _text(raw: object) -> str:
    """EXIF text without the padding and control characters that cameras leave in it."""
    text = raw.decode("ascii", "replace") if isinstance(raw, bytes) else str(raw or "")
    return "".join(character for character in text if character.isprintable()).strip()
