"""Lengths, widths and reasons to look again on items; scales of photos and runs; wall polygons."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None


def _item_columns() -> list[sa.Column[object]]:
    floats = (
        *("length_px", "mean_width_px", "p95_width_px", "max_width_px"),
        *("orientation_deg", "orientation_coherence", "largest_crack_length_px", "mm_per_px"),
        *("length_mm", "mean_width_mm", "p95_width_mm", "max_width_mm"),
    )
    integers = ("cells_found", "cells_analysed", "cracks", "branch_points")
    return [
        *(sa.Column(name, sa.Integer) for name in integers),
        *(sa.Column(name, sa.Float) for name in floats),
        sa.Column("basis", sa.String(20)),
        sa.Column("at_resolution_limit", sa.Boolean),
        sa.Column("orientation_histogram_pct", sa.ARRAY(sa.Float)),
        sa.Column("largest_crack_polyline_px", postgresql.JSONB),
        sa.Column("scale_source", sa.String(20)),
        sa.Column("width_band", sa.SmallInteger),
        sa.Column("review_reasons", sa.ARRAY(sa.Text)),
    ]


def upgrade() -> None:
    for column in _item_columns():
        op.add_column("items", column)
    op.add_column("photos", sa.Column("scale", postgresql.JSONB))
    op.add_column("photos", sa.Column("wall_polygon_px", postgresql.JSONB))
    op.add_column("runs", sa.Column("scale", postgresql.JSONB))


def downgrade() -> None:
    op.drop_column("runs", "scale")
    op.drop_column("photos", "wall_polygon_px")
    op.drop_column("photos", "scale")
    for column in _item_columns():
        op.drop_column("items", column.name)
