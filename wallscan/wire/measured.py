"""Measurements of one photo and prompt, as answers show them; docs/measurements.md defines each."""

from pydantic import Field

from wallscan.domain.area import Basis
from wallscan.domain.review import ReviewReason
from wallscan.wire.common import Body


class MeasuredNumbers(Body):
    """Null is a number that does not exist: a width of nothing, millimetres without a scale."""

    basis: Basis | None = Field(default=None, description="what coverage is a share of")
    cells_found: int | None = None
    cells_analysed: int | None = None
    cell_coverage_pct: float | None = Field(default=None, description="share of grid cells that hold some")
    cracks: int | None = Field(default=None, description="parts, small gaps bridged")
    branch_points: int | None = None
    length_px: float | None = None
    mean_width_px: float | None = None
    p95_width_px: float | None = None
    max_width_px: float | None = None
    at_resolution_limit: bool | None = Field(
        default=None, description="too few pixels, of the photo or of the model's map, to tell the width"
    )
    orientation_deg: float | None = Field(default=None, description="0 level, 90 upright, 45 rising right")
    mm_per_px: float | None = None
    scale_source: str | None = None
    length_mm: float | None = None
    mean_width_mm: float | None = None
    p95_width_mm: float | None = None
    max_width_mm: float | None = None
    width_band: int | None = Field(default=None, description="0 to 5 after BRE Digest 251: guidance only")
    needs_review: bool | None = Field(default=None, description="whether there is a reason to look again")
    review_reasons: list[ReviewReason] | None = Field(
        default=None, description="why a person should look before relying on this; empty: no reason seen"
    )


_WORKED_OUT = ("cell_coverage_pct", "needs_review")
MEASURED_COLUMNS = tuple(name for name in MeasuredNumbers.model_fields if name not in _WORKED_OUT)
"""Those that are columns of an item; the others are worked out from them."""
