"""Data sets and trainings, with the legal ways between a training's states."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

ENDED = "(state IN ('cancelled', 'failed', 'succeeded')) = (ended_at IS NOT NULL)"
LEASE = (
    "CASE state WHEN 'running' THEN lease_until IS NOT NULL WHEN 'cancelling' THEN true "
    "ELSE lease_until IS NULL END"
)
WAYS = (
    "cancelling>cancelled", "cancelling>failed", "queued>cancelled", "queued>cancelling", "queued>failed",
    "queued>running", "running>cancelling", "running>failed", "running>queued", "running>succeeded",
)  # fmt: skip


def upgrade() -> None:
    _create_datasets()
    _create_trainings()
    _create_epochs()
    op.execute(
        "CREATE TRIGGER trainings_transition AFTER UPDATE OF state ON trainings FOR EACH ROW "
        "WHEN (OLD.state IS DISTINCT FROM NEW.state) "
        f"EXECUTE FUNCTION refuse_transition({', '.join(repr(way) for way in WAYS)})"
    )


def downgrade() -> None:
    for table in ("training_epochs", "training_datasets", "trainings", "datasets"):
        op.drop_table(table)


def _create_datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        _state("expected", "stored"),
        _created_at(),
        sa.CheckConstraint("size_bytes > 0", name="size"),
    )


def _create_trainings() -> None:
    op.create_table(
        "trainings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("recipe_name", sa.String(100)),
        sa.Column("recipe", postgresql.JSONB),
        sa.Column("seed", sa.BigInteger),
        _model("base_model_id"),
        _model("model_id"),
        _state("queued", "running", "succeeded", "cancelling", "cancelled", "failed"),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        _time("lease_until"),
        _time("sent_at"),
        sa.Column("worker", sa.String(200)),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("steps", sa.Integer),
        sa.Column("loss", sa.Float),
        sa.Column("eta_s", sa.Float),
        sa.Column("checkpoint", postgresql.JSONB),
        sa.Column("code", sa.String(60)),
        sa.Column("detail", sa.Text),
        _created_at(),
        _time("started_at"),
        _time("ended_at"),
        sa.CheckConstraint("recipe_name IS NOT NULL OR recipe IS NOT NULL", name="recipe"),
        sa.CheckConstraint("(state = 'failed') = (code IS NOT NULL)", name="failed_has_code"),
        sa.CheckConstraint(ENDED, name="ended"),
        sa.CheckConstraint(LEASE, name="lease"),
        sa.CheckConstraint("state <> 'succeeded' OR model_id IS NOT NULL", name="succeeded_has_model"),
        sa.CheckConstraint("step >= 0 AND steps >= 0", name="steps"),
    )
    still_open = sa.text("state IN ('queued', 'running', 'cancelling')")
    op.create_index("ix_trainings_open", "trainings", ["state"], postgresql_where=still_open)
    op.create_index("ix_trainings_created_at_id", "trainings", ["created_at", "id"])
    op.create_table(
        "training_datasets",
        _training(),
        sa.Column("place", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("dataset_id", sa.Uuid, sa.ForeignKey("datasets.id", ondelete="RESTRICT"), nullable=False),
        sa.UniqueConstraint("training_id", "dataset_id"),
    )
    op.create_index("ix_training_datasets_dataset_id", "training_datasets", ["dataset_id"])


def _create_epochs() -> None:
    op.create_table(
        "training_epochs",
        _training(),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("train_loss", sa.Float),
        sa.Column("valid_loss", sa.Float),
        sa.Column("valid_iou", sa.Float),
        sa.Column("learning_rate", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        _created_at(),
        sa.CheckConstraint("number > 0", name="number"),
    )


def _training() -> sa.Column[object]:
    cascade = sa.ForeignKey("trainings.id", ondelete="CASCADE")
    return sa.Column("training_id", sa.Uuid, cascade, primary_key=True)


def _model(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid, sa.ForeignKey("model_versions.id", ondelete="RESTRICT"))


def _state(*states: str) -> sa.Column[object]:
    kind = sa.Enum(*states, name="state", native_enum=False, create_constraint=True, length=20)
    return sa.Column("state", kind, nullable=False)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True))


def _created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
