"""Measurements in words, for people."""

from collections.abc import Mapping

from wallscan.domain.review import ReviewReason
from wallscan.domain.widths import WIDTH_BANDS
from wallscan.wire.report import PhotoRow, WallRow

NOTHING = "\N{EN DASH}"
AT_LIMIT = "at the resolution limit"
REVIEW_WORDS: Mapping[ReviewReason, str] = {
    ReviewReason.NEAR_GATE: "a close call whether it is there",
    ReviewReason.BLURRED: "the photo is blurred",
    ReviewReason.TOO_DARK: "the photo is too dark",
    ReviewReason.TOO_BRIGHT: "the photo is too bright",
    ReviewReason.TOO_FAR: "taken from too far for fine cracks",
    ReviewReason.RESOLUTION_LIMIT: "too few pixels to tell the width",
    ReviewReason.TOO_COMPLEX: "too many parts to follow",
    ReviewReason.MARKER_NOT_FOUND: "no marker found",
    ReviewReason.MARKERS_DISAGREE: "two markers give different scales",
    ReviewReason.MARKER_TOO_OBLIQUE: "the scale changes too much over the photo",
}


def extent(mm: float | None, px: float | None) -> str:
    """A length: in metres or millimetres where that is known, else in pixels."""
    if mm is not None:
        return f"{mm / 1000:.2f} m" if mm >= 1000 else f"{mm:.0f} mm"
    return NOTHING if px is None else f"{px:.0f} px"


def width(mm: float | None, px: float | None) -> str:
    """A width, to a tenth of a millimetre where that is known, else in pixels."""
    if mm is not None:
        return f"{mm:.1f} mm"
    return NOTHING if px is None else f"{px:.0f} px"


def band(number: int | None) -> str:
    """What the guidance says of a band of widths; empty where none is known."""
    return "" if number is None else f"{WIDTH_BANDS[number].widths}: {WIDTH_BANDS[number].guidance}"


def wall_extent(row: WallRow) -> str:
    """A wall's total length, with how many photos it is of where some have no scale."""
    text = extent(row.length_mm, row.length_px)
    partly = row.length_mm is not None and row.photos_with_scale < row.photos_counted
    return f"{text} on {row.photos_with_scale} of {row.photos_counted} photos" if partly else text


def wall_width(row: WallRow) -> str:
    """A wall's greatest width; or that there are markings, but none wide enough to tell."""
    if row.length_px and row.max_width_px is None:
        return AT_LIMIT
    return width(row.max_width_mm, row.max_width_px)


def _interval(row: PhotoRow) -> str:
    low, high = row.estimated_low_pct, row.estimated_high_pct
    return "" if low is None or high is None else f", 90 % interval {low:.2f} to {high:.2f} %"


def photo_notes(row: PhotoRow) -> tuple[str, ...]:
    """What was measured on a photo, in a few words, then why to look again."""
    notes = []
    if row.estimated_coverage_pct is not None:
        notes.append(f"expected {row.estimated_coverage_pct:.2f} %{_interval(row)}")
    if row.length_px and row.max_width_px is not None:
        limit = f", {AT_LIMIT}" if row.at_resolution_limit else ""
        widest = width(row.max_width_mm, row.max_width_px)
        notes.append(f"{extent(row.length_mm, row.length_px)} long, up to {widest} wide{limit}")
    if row.width_band is not None:
        notes.append(band(row.width_band))
    return (*notes, *(f"Look again: {REVIEW_WORDS[reason]}" for reason in row.review_reasons or ()))
