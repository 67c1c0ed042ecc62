"""The measurements of one photo and prompt, named as the columns of their row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.review import ReviewReason
from wallscan.domain.widths import RESOLVED_CELLS, width_band
from wallscan.measure.grid import cells_touched
from wallscan.measure.scale import Plane
from wallscan.measure.shapes import LargestCrack, Shapes, shapes

NEAR_GATE = 0.05
"""A presence score no farther than this from its gate is a close call."""
TOO_FAR_MM_PER_PX = 1.0
"""Where a pixel is larger, cracks of the width that matters (up to a few millimetres) are not resolved."""


@dataclass(frozen=True, slots=True)
class Millimetres:
    """Lengths and widths on the wall; widths are None where no width could be measured."""

    mm_per_px: float
    scale_source: str
    length_mm: float | None = None
    mean_width_mm: float | None = None
    p95_width_mm: float | None = None
    max_width_mm: float | None = None
    width_band: int | None = None


@dataclass(frozen=True, slots=True)
class Measurements:
    """What docs/measurements.md defines, one by one; pixels are those of the upright photo.

    None means that a number does not exist: a width where nothing was found, millimetres without a scale,
    lengths where the mask is too complex to follow.
    """

    cells_found: int
    cells_analysed: int
    cracks: int | None
    branch_points: int | None
    length_px: float | None
    mean_width_px: float | None
    p95_width_px: float | None
    max_width_px: float | None
    at_resolution_limit: bool | None
    orientation_deg: float | None
    orientation_coherence: float | None
    orientation_histogram_pct: list[float] | None
    largest_crack_length_px: float | None
    largest_crack_polyline_px: list[list[float]] | None
    mm_per_px: float | None
    scale_source: str | None
    length_mm: float | None
    mean_width_mm: float | None
    p95_width_mm: float | None
    max_width_mm: float | None
    width_band: int | None
    review_reasons: list[str]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the mask.

    `cell_px` is the side, in photo pixels, of a cell of the network's map. `plane` is the wall's, `reasons`
    what the photo itself gives to doubt. `presence` and `gate` are the prompt's.
    """

    cell_px: float
    presence: float
    gate: float
    plane: Plane | None = None
    reasons: tuple[ReviewReason, ...] = ()


def measurements(
    mask: NDArray[np.uint8], circumstances: Circumstances, area: NDArray[np.uint8] | None = None
) -> Measurements:
    """Measure a mask (H, W), uint8 0 or 255; the part of it in `area` (H, W), 0 or 255, where that is given.

    Equal input gives equal numbers.
    """
    seen = mask if area is None else cv2.bitwise_and(mask, area)
    cells = cells_touched(np.asarray(seen, np.uint8), area)
    found = shapes(np.asarray(seen, np.uint8))
    widths = _Widths.of(found, cv2.countNonZero(seen))
    millimetres = _millimetres(found, widths, circumstances)
    at_limit = None if widths is None else _at_limit(widths, circumstances.cell_px)
    reasons = _reasons(found, circumstances, millimetres, at_limit)
    if millimetres is not None and at_limit is not None and not at_limit and millimetres.max_width_mm:
        band = width_band(millimetres.max_width_mm)
    else:
        band = None
    return Measurements(
        cells_found=cells.found,
        cells_analysed=cells.total,
        cracks=found.cracks,
        **_lines(found, widths),
        at_resolution_limit=at_limit,
        **_scaled(millimetres, band),
        review_reasons=[reason.value for reason in reasons],
    )


def _lines(found: Shapes, widths: "_Widths | None") -> dict[str, Any]:
    if found.too_complex:
        names = ("branch_points", "length_px", *_WIDTHS, *_WAYS, *_LARGEST)
        return dict.fromkeys(names)
    way, largest = found.orientation, found.largest or LargestCrack(0.0, [])
    return {
        "branch_points": found.branch_points,
        "length_px": round(found.length_px, 2),
        **{name: None if widths is None else round(getattr(widths, name), 2) for name in _WIDTHS},
        "orientation_deg": None if way.dominant_deg is None else round(way.dominant_deg, 2),
        "orientation_coherence": round(way.coherence, 4) if way.histogram_pct else None,
        "orientation_histogram_pct": way.histogram_pct or None,
        "largest_crack_length_px": round(largest.length_px, 2) if found.largest else None,
        "largest_crack_polyline_px": largest.polyline_px or None,
    }
