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


def percent(value: float | None) -> str:
    """A share for people: three digits, and 0 and 100 only where it is nothing or everything."""
    if value is None:
        return NOTHING
    if value in (0.0, 100.0):
        return f"{value:.0f} %"
    if value < 0.01:
        return "< 0.01 %"
    if value >= 99.95:
        return "> 99.9 %"
    return f"{value:.2f} %" if value < 9.995 else f"{value:.1f} %"


def extent(mm: float | None, px: float | None) -> str:
    """A length: in metres or millimetres where that is known, else in pixels."""
    if mm is not None:
        return f"{mm / 1000:.2f} m" if mm >= 999.5 else _whole(mm, "mm")
    return NOTHING if px is None else _whole(px, "px")


def width(mm: float | None, px: float | None) -> str:
    """A width: to two digits in millimetres where they are known, else in pixels."""
    if mm is None:
        return NOTHING if px is None else _whole(px, "px")
    if mm < 0.1:
        return "< 0.1 mm"
    return f"{mm:.2f} mm" if mm < 0.995 else f"{mm:.1f} mm" if mm < 9.95 else _whole(mm, "mm")


def _whole(value: float, unit: str) -> str:
    """A number without decimals, and 0 only where there is nothing at all."""
    return f"< 1 {unit}" if 0.0 < value < 1.0 else f"{value:.0f} {unit}"


def band(number: int) -> str:
    """What the guidance says of a band of widths."""
    return f"{WIDTH_BANDS[number].widths}: {WIDTH_BANDS[number].guidance}"


def wall_extent(row: WallRow) -> str:
    """A wall's total length, with how many photos it is of where it is not known on all."""
    if row.length_px is None and row.length_mm is None:
        return NOTHING
    known = row.photos_with_length if row.length_mm is None else row.photos_with_scale
    return f"{extent(row.length_mm, row.length_px)}{_on(known, row)}"


def wall_width(row: WallRow) -> str:
    """A wall's greatest width, with how many photos it is of where none is known on some.

    Or that there are markings, but none wide enough to tell.
    """
    if row.max_width_mm is not None:
        return f"{width(row.max_width_mm, None)}{_on(row.photos_with_scale, row)}"
    if row.max_width_px is None and not row.length_px:
        return NOTHING
    told = AT_LIMIT if row.max_width_px is None else width(None, row.max_width_px)
    return f"{told}{_on(row.photos_with_length, row)}"


def wall_band(row: WallRow) -> str:
    """What the guidance says of a wall's greatest width, of the photos with a scale alone; else nothing."""
    if row.max_width_band is None:
        return ""
    told = f"{band(row.max_width_band)} (guidance after BRE Digest 251, no judgement)"
    return f"{told}{_on(row.photos_with_scale, row)}"


def _on(known: int | None, row: WallRow) -> str:
    """Nothing, too, where an older server does not say on how many."""
    if known is None or known >= row.photos_counted:
        return ""
    return f" on {known} of {row.photos_counted} photos"


def _interval(row: PhotoRow) -> str:
    low, high = row.estimated_low_pct, row.estimated_high_pct
    return "" if low is None or high is None else f", 90 % interval {percent(low)} to {percent(high)}"


def photo_notes(row: PhotoRow) -> tuple[str, ...]:
    """What was measured on a photo, in a few words, then why to look again."""
    notes = []
    if row.estimated_coverage_pct is not None:
        notes.append(f"expected {percent(row.estimated_coverage_pct)}{_interval(row)}")
    if row.length_px and row.max_width_px is not None:
        limit = f", {AT_LIMIT}" if row.at_resolution_limit else ""
        widest = width(row.max_width_mm, row.max_width_px)
        notes.append(f"{extent(row.length_mm, row.length_px)} long, up to {widest} wide{limit}")
    if row.width_band is not None:
        notes.append(band(row.width_band))
    return (*notes, *(f"Look again: {REVIEW_WORDS[reason]}" for reason in row.review_reasons or ()))
