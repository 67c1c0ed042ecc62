"""Probability maps that are kept, runs that measure them again, and the estimated coverage."""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

ESTIMATES = ("estimated_coverage_pct", "estimated_low_pct", "estimated_high_pct")
IN_ORDER = (
    "estimated_coverage_pct BETWEEN coalesce(estimated_low_pct, 0) AND coalesce(estimated_high_pct, 100) "
    "AND estimated_low_pct >= 0 AND estimated_high_pct <= 100"
)


def upgrade() -> None:
    for name in ESTIMATES:
        op.add_column("items", sa.Column(name, sa.Float))
    op.add_column("items", sa.Column("map_key", sa.String(300)))
    op.add_column("items", sa.Column("map_sha256", sa.String(64)))
    op.create_check_constraint("estimate", "items", IN_ORDER)
    op.create_check_constraint("map", "items", "(map_key IS NULL) = (map_sha256 IS NULL)")
    op.add_column("runs", sa.Column("from_run_id", sa.Uuid, sa.ForeignKey("runs.id", ondelete="SET NULL")))
    op.create_index("ix_runs_from_run_id", "runs", ["from_run_id"])


def downgrade() -> None:
    op.drop_column("runs", "from_run_id")
    for name in ("map_key", "map_sha256", *ESTIMATES):
        op.drop_column("items", name)
