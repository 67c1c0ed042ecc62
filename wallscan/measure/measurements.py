"""The measurements of one photo and prompt, named as the columns of their row."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.review import ReviewReason
from wallscan.domain.widths import RESOLVED_CELLS, width_band
from wallscan.measure.grid import cells_touched
from wallscan.measure.lines import Steps
from wallscan.measure.scale import Plane
from wallscan.measure.shapes import Shapes, shapes
from wallscan.measure.widths import longest_stretch_px, on_wall, widths_px

NEAR_GATE = 0.05
"""A presence score no farther than this from its gate is a close call."""
TOO_FAR_MM_PER_PX = 1.0
"""Where a pixel is larger, cracks of the widths that matter (up to a few millimetres) are not resolved."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the mask.

    `cell_px` is the side, in photo pixels, of a cell of the network's map. `presence` and `gate` are the
    prompt's. `plane` is the wall's where a scale is known, `reasons` what the photo itself gives to doubt.
    """

    cell_px: float
    presence: float
    gate: float
    plane: Plane | None = None
    reasons: tuple[ReviewReason, ...] = ()


@dataclass(frozen=True, slots=True)
class Measurements:
    """What docs/measurements.md defines one by one; pixels are those of the upright photo.

    None means that a number does not exist: a width where nothing was found, millimetres without a scale,
    lengths where the mask is too complex to follow.
    """

    cells_found: int
    cells_analysed: int
    cracks: int
    branch_points: int | None = None
    length_px: float | None = None
    mean_width_px: float | None = None
    p95_width_px: float | None = None
    max_width_px: float | None = None
    at_resolution_limit: bool | None = None
    orientation_deg: float | None = None
    orientation_coherence: float | None = None
    orientation_histogram_pct: list[float] | None = None
    largest_crack_length_px: float | None = None
    largest_crack_polyline_px: list[list[float]] | None = None
    mm_per_px: float | None = None
    scale_source: str | None = None
    length_mm: float | None = None
    mean_width_mm: float | None = None
    p95_width_mm: float | None = None
    max_width_mm: float | None = None
    width_band: int | None = None
    review_reasons: list[str] = field(default_factory=list)


def measurements(
    mask: NDArray[np.uint8], circumstances: Circumstances, area: NDArray[np.uint8] | None = None
) -> Measurements:
    """Measure a mask (H, W), uint8 0 or 255; of it what lies in `area` (H, W), 0 or 255, where given.

    Equal input gives equal numbers.
    """
    seen = mask if area is None else np.asarray(cv2.bitwise_and(mask, area), np.uint8)
    cells, found = cells_touched(seen, area), shapes(seen, circumstances.cell_px)
    made = Measurements(cells.found, cells.total, found.cracks)
    if not found.too_complex:
        made = _with_lines(made, found, cv2.countNonZero(seen), circumstances.cell_px)
    oblique = False
    if circumstances.plane is not None:
        made, oblique = _with_scale(made, found.steps, circumstances.plane)
    reasons = _reasons(made, found.too_complex, oblique, circumstances)
    return replace(made, review_reasons=[reason.value for reason in reasons])


def _with_lines(made: Measurements, found: Shapes, foreground_px: int, cell_px: float) -> Measurements:
    way = found.orientation
    made = replace(made, branch_points=found.branch_points, length_px=round(found.length_px, 2))
    if not made.length_px or found.largest is None:
        return made
    widths = widths_px(found.steps, foreground_px)
    # By the percentile alone, a wide crack would go unheard among many fine ones.
    limit_px = RESOLVED_CELLS * max(1.0, cell_px)
    is_told = widths.p95 >= limit_px or longest_stretch_px(found.steps, limit_px) >= limit_px
    return replace(
        made,
        mean_width_px=round(widths.mean, 2),
        p95_width_px=round(widths.p95, 2),
        max_width_px=round(widths.max, 2),
        at_resolution_limit=not is_told,
        orientation_deg=None if way.dominant_deg is None else round(way.dominant_deg, 1) % 180.0,
        orientation_coherence=round(way.coherence, 3),
        orientation_histogram_pct=way.histogram_pct,
        largest_crack_length_px=round(found.largest.length_px, 2),
        largest_crack_polyline_px=found.largest.polyline_px,
    )


def _with_scale(made: Measurements, steps: Steps, plane: Plane) -> tuple[Measurements, bool]:
    """The measurements with their millimetres, and whether the plane is too oblique for any."""
    made = replace(made, mm_per_px=plane.mm_per_px, scale_source=plane.source.value)
    if made.length_px is None or made.mean_width_px is None:
        return replace(made, length_mm=None if made.length_px is None else 0.0), False
    if not plane.holds_at(steps.middle_px):
        return made, True
    wall = on_wall(steps, made.mean_width_px, plane)
    return replace(
        made,
        length_mm=round(wall.length_mm, 2),
        mean_width_mm=round(wall.widths_mm.mean, 3),
        p95_width_mm=round(wall.widths_mm.p95, 3),
        max_width_mm=round(wall.widths_mm.max, 3),
        width_band=None if made.at_resolution_limit else width_band(wall.widths_mm.max),
    ), False


def _reasons(
    made: Measurements, too_complex: bool, oblique: bool, circumstances: Circumstances
) -> list[ReviewReason]:
    """All reasons to look again, in the order of `ReviewReason`."""
    own = {
        ReviewReason.NEAR_GATE: abs(circumstances.presence - circumstances.gate) <= NEAR_GATE,
        ReviewReason.TOO_FAR: made.mm_per_px is not None and made.mm_per_px > TOO_FAR_MM_PER_PX,
        ReviewReason.RESOLUTION_LIMIT: made.length_mm is not None and bool(made.at_resolution_limit),
        ReviewReason.TOO_COMPLEX: too_complex,
        ReviewReason.MARKER_TOO_OBLIQUE: oblique,
    }
    return [reason for reason in ReviewReason if own.get(reason) or reason in circumstances.reasons]
