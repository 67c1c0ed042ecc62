"""Comparisons of models before they serve, which one served when and why, benchmarks, bases of models."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

WAYS = (
    "queued>failed", "queued>running", "running>failed", "running>passed", "running>queued",
    "running>refused",
)  # fmt: skip
ENDED = "(state IN ('failed', 'passed', 'refused')) = (ended_at IS NOT NULL)"


def upgrade() -> None:
    op.add_column("model_versions", _model("base_id", nullable=True))
    op.create_index("ix_model_versions_base_id", "model_versions", ["base_id"])
    op.create_check_constraint("not_own_base", "model_versions", "base_id <> id")
    _create_benchmarks()
    _create_comparisons()
    _create_activations()
    # What serves now came from somewhere: the first activation that is known.
    op.execute(
        "INSERT INTO model_activations (model_id, kind) SELECT id, 'first' FROM model_versions WHERE active"
    )


def downgrade() -> None:
    for table in ("model_activations", "model_comparisons", "benchmarks"):
        op.drop_table(table)
    op.drop_column("model_versions", "base_id")


def _create_benchmarks() -> None:
    op.create_table(
        "benchmarks",
        _number(),
        _dataset(),
        sa.Column("key_name", sa.String(200), nullable=False),
        _time("created_at", default="now()"),
    )
    op.create_index("ix_benchmarks_dataset_id", "benchmarks", ["dataset_id"])


def _create_comparisons() -> None:
    op.create_table(
        "model_comparisons",
        sa.Column("id", sa.Uuid, primary_key=True),
        _model("model_id"),
        _model("active_id"),
        _dataset(),
        sa.Column("key_name", sa.String(200), nullable=False),
        _one_of("state", "queued", "running", "passed", "refused", "failed"),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        _time("lease_until"),
        _time("sent_at"),
        sa.Column("numbers", postgresql.JSONB),
        sa.Column("code", sa.String(60)),
        sa.Column("detail", sa.Text),
        _time("created_at", default="clock_timestamp()"),
        _time("ended_at"),
        sa.CheckConstraint("model_id <> active_id", name="two_models"),
        sa.CheckConstraint("(state IN ('refused', 'failed')) = (code IS NOT NULL)", name="refused_has_code"),
        sa.CheckConstraint("state NOT IN ('passed', 'refused') OR numbers IS NOT NULL", name="numbers"),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
        sa.CheckConstraint(ENDED, name="ended"),
    )
    still_open = sa.text("state IN ('queued', 'running')")
    op.create_index(
        "uq_model_comparisons_open",
        "model_comparisons",
        ["model_id"],
        unique=True,
        postgresql_where=still_open,
    )
    op.create_index("ix_model_comparisons_model_id", "model_comparisons", ["model_id", "created_at"])
    op.execute(
        "CREATE TRIGGER model_comparisons_transition AFTER UPDATE OF state ON model_comparisons FOR EACH ROW "
        "WHEN (OLD.state IS DISTINCT FROM NEW.state) "
        f"EXECUTE FUNCTION refuse_transition({', '.join(repr(way) for way in WAYS)})"
    )


def _create_activations() -> None:
    op.create_table(
        "model_activations",
        _number(),
        _model("model_id"),
        _one_of("kind", "first", "shipped", "gate", "forced", "rollback"),
        sa.Column("key_name", sa.String(200)),
        sa.Column("reason", sa.Text),
        sa.Column("comparison_id", sa.Uuid, sa.ForeignKey("model_comparisons.id", ondelete="RESTRICT")),
        sa.Column("back_to", sa.BigInteger, sa.ForeignKey("model_activations.number", ondelete="RESTRICT")),
        _time("created_at", default="clock_timestamp()"),
        sa.CheckConstraint("kind <> 'forced' OR reason IS NOT NULL", name="forced_has_reason"),
        sa.CheckConstraint("back_to < number", name="back"),
    )
    op.create_index("ix_model_activations_model_id", "model_activations", ["model_id"])


def _number() -> sa.Column[object]:
    return sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True)


def _model(name: str, *, nullable: bool = False) -> sa.Column[object]:
    restrict = sa.ForeignKey("model_versions.id", ondelete="RESTRICT")
    return sa.Column(name, sa.Uuid, restrict, nullable=nullable)


def _dataset() -> sa.Column[object]:
    return sa.Column("dataset_id", sa.Uuid, sa.ForeignKey("datasets.id", ondelete="RESTRICT"))


def _one_of(name: str, *values: str) -> sa.Column[object]:
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)
    return sa.Column(name, kind, nullable=False)


def _time(name: str, default: str | None = None) -> sa.Column[object]:
    time = sa.DateTime(timezone=True)
    if default is None:
        return sa.Column(name, time)
    return sa.Column(name, time, server_default=sa.text(default), nullable=False)
