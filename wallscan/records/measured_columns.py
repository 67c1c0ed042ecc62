"""What an item measured and estimates, as columns. All may be null: older items, and what does not exist."""

from sqlalchemy import ARRAY, Boolean, Float, Integer, SmallInteger, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column


class MeasuredColumns:
    """What docs/measurements.md defines; pixels are those of the upright photo."""

    basis: Mapped[str | None] = mapped_column(String(20))  # what coverage is a share of: domain.area.Basis
    cells_found: Mapped[int | None] = mapped_column(Integer)
    cells_analysed: Mapped[int | None] = mapped_column(Integer)
    cracks: Mapped[int | None] = mapped_column(Integer)
    branch_points: Mapped[int | None] = mapped_column(Integer)
    length_px: Mapped[float | None] = mapped_column(Float)
    mean_width_px: Mapped[float | None] = mapped_column(Float)
    p95_width_px: Mapped[float | None] = mapped_column(Float)
    max_width_px: Mapped[float | None] = mapped_column(Float)
    at_resolution_limit: Mapped[bool | None] = mapped_column(Boolean)
    orientation_deg: Mapped[float | None] = mapped_column(Float)
    orientation_coherence: Mapped[float | None] = mapped_column(Float)
    orientation_histogram_pct: Mapped[list[float] | None] = mapped_column(ARRAY(Float))
    largest_crack_length_px: Mapped[float | None] = mapped_column(Float)
    largest_crack_polyline_px: Mapped[list[list[float]] | None] = mapped_column(JSONB(none_as_null=True))
    mm_per_px: Mapped[float | None] = mapped_column(Float)
    scale_source: Mapped[str | None] = mapped_column(String(20))
    length_mm: Mapped[float | None] = mapped_column(Float)
    mean_width_mm: Mapped[float | None] = mapped_column(Float)
    p95_width_mm: Mapped[float | None] = mapped_column(Float)
    max_width_mm: Mapped[float | None] = mapped_column(Float)
    width_band: Mapped[int | None] = mapped_column(SmallInteger)
    review_reasons: Mapped[list[str] | None] = mapped_column(ARRAY(Text))  # domain.review.ReviewReason


class MapColumns:
    """The probability map in 255ths, from which another run can measure again, and what it estimates."""

    map_key: Mapped[str | None] = mapped_column(String(300))
    map_sha256: Mapped[str | None] = mapped_column(String(64))
    view_cells: Mapped[int | None] = mapped_column(Integer)  # side of one view on the map; null: all of it
    # Expected coverage by the model's calibration and its 90 % interval; null where it brings none.
    estimated_coverage_pct: Mapped[float | None] = mapped_column(Float)
    estimated_low_pct: Mapped[float | None] = mapped_column(Float)
    estimated_high_pct: Mapped[float | None] = mapped_column(Float)
