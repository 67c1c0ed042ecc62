"""First tables: sites, walls, inspections, photos, archives, models, runs, tasks, items, keys.

Unnamed constraints and indexes take their names from the metadata's naming convention.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

FAILED_HAS_CODE = "(state = 'failed') = (code IS NOT NULL)"
REJECTED_HAS_CODE = "(state = 'rejected') = (code IS NOT NULL)"
LEASED_WHILE_RUNNING = "(state = 'running') = (lease_until IS NOT NULL)"
ENDED = "(state IN ('cancelled', 'failed', 'succeeded')) = (ended_at IS NOT NULL)"


def upgrade() -> None:
    _create_access()
    _create_places()
    _create_archives()
    _create_photos()
    _create_models_and_runs()
    _create_tasks()
    _create_items()


def downgrade() -> None:
    op.drop_constraint("fk_inspections_active_run_id", "inspections", type_="foreignkey")
    for table in (
        "items",
        "tasks",
        "runs",
        "model_versions",
        "photos",
        "archives",
        "inspections",
        "walls",
        "sites",
        "remembered_answers",
        "keys",
    ):
        op.drop_table(table)


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid, primary_key=True)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True))


def _created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _state(*states: str) -> sa.Column[object]:
    kind = sa.Enum(*states, name="state", native_enum=False, create_constraint=True, length=20)
    return sa.Column("state", kind, nullable=False)


def _reference(name: str, target: str, ondelete: str | None, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid, sa.ForeignKey(target, ondelete=ondelete), nullable=nullable)


def _reason() -> tuple[sa.Column[object], sa.Column[object]]:
    return sa.Column("code", sa.String(60)), sa.Column("detail", sa.Text)


def _create_access() -> None:
    op.create_table(
        "keys",
        _id(),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False, unique=True),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("site_ids", sa.ARRAY(sa.Uuid)),
        _created_at(),
        _time("expires_at"),
        _time("revoked_at"),
        sa.CheckConstraint("scopes <@ ARRAY['read', 'write', 'admin']", name="scopes"),
        sa.CheckConstraint("octet_length(secret_sha256) = 32", name="secret_is_hashed"),
    )
    op.create_table(
        "remembered_answers",
        sa.Column("key_id", sa.Uuid, sa.ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("idempotency_key", sa.String(200), primary_key=True),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("headers", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("body", sa.LargeBinary),
        _created_at(),
    )


def _create_places() -> None:
    op.create_table(
        "sites", _id(), sa.Column("name", sa.String(200), nullable=False, unique=True), _created_at()
    )
    op.create_table(
        "walls",
        _id(),
        _reference("site_id", "sites.id", "CASCADE"),
        sa.Column("name", sa.String(200), nullable=False),
        _created_at(),
        sa.UniqueConstraint("site_id", "name"),
    )
    op.create_table(
        "inspections",
        _id(),
        _reference("site_id", "sites.id", "CASCADE"),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("active_run_id", sa.Uuid),  # its foreign key follows once there are runs
        _created_at(),
    )
    op.create_index("ix_inspections_site_id", "inspections", ["site_id"])


def _create_archives() -> None:
    op.create_table(
        "archives",
        _id(),
        _reference("inspection_id", "inspections.id", "CASCADE"),
        sa.Column("file_name", sa.String(1024), nullable=False),
        sa.Column("size_bytes", sa.BigInteger),
        _state("expected", "queued", "running", "succeeded", "failed"),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        _time("lease_until"),
        _time("sent_at"),
        sa.Column("entries_total", sa.Integer),
        sa.Column("entries_done", sa.Integer, nullable=False),
        sa.Column("ignored_entries", sa.Integer, nullable=False),
        *_reason(),
        _created_at(),
        sa.CheckConstraint(FAILED_HAS_CODE, name="failed_has_code"),
        sa.CheckConstraint(LEASED_WHILE_RUNNING, name="lease"),
    )
    op.create_index("ix_archives_inspection_id", "archives", ["inspection_id"])


def _create_photos() -> None:
    wall = sa.ForeignKey("walls.id", deferrable=True, initially="DEFERRED")
    op.create_table(
        "photos",
        _id(),
        _reference("inspection_id", "inspections.id", "CASCADE"),
        sa.Column("wall_id", sa.Uuid, wall),
        _reference("archive_id", "archives.id", "SET NULL", nullable=True),
        sa.Column("path", sa.String(1024), nullable=False),
        _state("expected", "stored", "rejected"),
        *_reason(),
        sa.Column("sha256", sa.String(64)),
        sa.Column("size_bytes", sa.BigInteger),
        _reference("duplicate_of_id", "photos.id", "SET NULL", nullable=True),
        sa.Column("media_type", sa.String(40)),
        sa.Column("width_px", sa.Integer),
        sa.Column("height_px", sa.Integer),
        sa.Column("taken_at", sa.DateTime),
        sa.Column("camera", sa.String(200)),
        sa.Column("phash", sa.BigInteger),
        _created_at(),
        sa.UniqueConstraint("inspection_id", "path"),
        sa.CheckConstraint(REJECTED_HAS_CODE, name="rejected_has_code"),
        sa.CheckConstraint("state = 'rejected' OR wall_id IS NOT NULL", name="wall"),
        sa.CheckConstraint("width_px > 0 AND height_px > 0", name="size"),
        sa.CheckConstraint("duplicate_of_id <> id", name="not_own_duplicate"),
    )
    for column in ("wall_id", "archive_id", "duplicate_of_id"):
        op.create_index(f"ix_photos_{column}", "photos", [column])
    op.create_index("ix_photos_inspection_sha256", "photos", ["inspection_id", "sha256"])


def _create_models_and_runs() -> None:
    op.create_table(
        "model_versions",
        _id(),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("manifest", postgresql.JSONB, nullable=False),
        _state("expected", "checking", "ready", "rejected"),
        *_reason(),
        sa.Column("active", sa.Boolean, nullable=False),
        _time("sent_at"),
        _created_at(),
        sa.CheckConstraint(REJECTED_HAS_CODE, name="rejected_has_code"),
        sa.CheckConstraint("NOT active OR state = 'ready'", name="active_is_ready"),
    )
    only_active = sa.text("active")
    op.create_index(
        "uq_model_versions_active", "model_versions", ["active"], unique=True, postgresql_where=only_active
    )
    op.create_table(
        "runs",
        _id(),
        _reference("inspection_id", "inspections.id", "CASCADE"),
        _reference("model_version_id", "model_versions.id", "RESTRICT"),
        sa.Column("prompts", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("postprocess", postgresql.JSONB, nullable=False),
        _state("queued", "running", "succeeded", "cancelling", "cancelled", "failed"),
        *_reason(),
        _created_at(),
        _time("started_at"),
        _time("ended_at"),
        sa.CheckConstraint("cardinality(prompts) BETWEEN 1 AND 16", name="prompts"),
        sa.CheckConstraint(ENDED, name="ended"),
        sa.CheckConstraint(FAILED_HAS_CODE, name="failed_has_code"),
    )
    op.create_index("ix_runs_inspection_id", "runs", ["inspection_id"])
    op.create_foreign_key(None, "inspections", "runs", ["active_run_id"], ["id"], ondelete="SET NULL")


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("run_id", sa.Uuid, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("photo_id", sa.Uuid, sa.ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
        _state("queued", "running", "succeeded", "failed", "cancelled"),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        _time("lease_until"),
        _time("sent_at"),
        sa.Column("worker", sa.String(200)),
        *_reason(),
        _time("started_at"),
        _time("ended_at"),
        sa.CheckConstraint(FAILED_HAS_CODE, name="failed_has_code"),
        sa.CheckConstraint(LEASED_WHILE_RUNNING, name="lease"),
        sa.CheckConstraint(ENDED, name="ended"),
    )
    still_open = sa.text("state IN ('queued', 'running')")
    op.create_index("ix_tasks_photo_id", "tasks", ["photo_id"])
    op.create_index("ix_tasks_run_state", "tasks", ["run_id", "state"])
    op.create_index("ix_tasks_open", "tasks", ["state", "lease_until"], postgresql_where=still_open)


def _create_items() -> None:
    op.create_table(
        "items",
        sa.Column("run_id", sa.Uuid, primary_key=True),
        sa.Column("photo_id", sa.Uuid, primary_key=True),
        sa.Column("prompt_index", sa.SmallInteger, primary_key=True),
        sa.Column("mask_key", sa.String(300), nullable=False),
        sa.Column("mask_sha256", sa.String(64), nullable=False),
        sa.Column("foreground_px", sa.BigInteger, nullable=False),
        sa.Column("analysed_px", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Float, nullable=False)
            for name in ("coverage_pct", "presence", "mean_probability", "max_probability")
        ),
        sa.Column("threshold", sa.Float),
        sa.Column("components", sa.Integer, nullable=False),
        sa.Column("largest_component_px", sa.BigInteger, nullable=False),
        _created_at(),
        sa.ForeignKeyConstraint(
            ["run_id", "photo_id"], ["tasks.run_id", "tasks.photo_id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint("analysed_px > 0 AND foreground_px BETWEEN 0 AND analysed_px", name="pixels"),
        sa.CheckConstraint("coverage_pct BETWEEN 0 AND 100", name="coverage"),
        sa.CheckConstraint(
            "presence BETWEEN 0 AND 1 AND mean_probability BETWEEN 0 AND 1 "
            "AND max_probability BETWEEN 0 AND 1 AND threshold BETWEEN 0 AND 1",
            name="probabilities",
        ),
        sa.CheckConstraint("prompt_index >= 0", name="prompt_index"),
        sa.CheckConstraint(
            "components >= 0 AND largest_component_px BETWEEN 0 AND foreground_px", name="components"
        ),
    )
