"""What a photo tells about itself: when, with what, which way up. Damaged EXIF never fails a photo."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

from PIL import ExifTags, Image

_OFFSET = re.compile(r"^([+-])(\d\d):(\d\d)$")
_MAX_CAMERA_CHARS = 100


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """`orientation` is EXIF's 1 to 8; `taken_at` is aware: a camera's clock without a zone is read as UTC."""

    orientation: int = 1
    taken_at: datetime | None = None
    camera: str | None = None
    has_gps: bool = False


def read_exif(image: Image.Image) -> ExifFacts:
    """Facts of a Pillow image's EXIF; the defaults for what is not there or cannot be read."""
    facts = ExifFacts()
    try:
        exif = image.getexif()
        # First and for itself: the others follow pointers, which are what is damaged most often.
        facts = ExifFacts(_orientation(exif.get(ExifTags.Base.Orientation)))
        return replace(
            facts,
            taken_at=_taken_at(exif),
            camera=_camera(exif),
            has_gps=bool(exif.get_ifd(ExifTags.IFD.GPSInfo)),
        )
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises a dozen types on damaged blocks
        return facts


def _orientation(raw: object) -> int:
    return raw if isinstance(raw, int) and 1 <= raw <= 8 else 1


def _taken_at(exif: Image.Exif) -> datetime | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
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
