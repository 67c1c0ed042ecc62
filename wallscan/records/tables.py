"""The tables. Constraints are the rules: what they refuse cannot happen, whoever writes."""

import datetime as dt
import uuid
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, composite, mapped_column

from wallscan.domain.lifecycle import (
    RUN_ENDED,
    TASK_ENDED,
    ArchiveState,
    PhotoState,
    RunState,
    TaskState,
)
from wallscan.domain.looks import Detail, Look
from wallscan.records.measured_columns import MapColumns, MeasuredColumns


def one_of(column: str, states: Iterable[StrEnum]) -> str:
    """The SQL condition that `column` holds one of these states."""
    return f"{column} IN ({', '.join(sorted(repr(str(state)) for state in states))})"


def state_column(kind: type[StrEnum], name: str = "state") -> Enum:
    """The type of a column of states: text in the database, checked there, the enum in Python."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda states: [state.value for state in states],
    )


class Base(DeclarativeBase):
    """All tables. Times are timestamps with time zone; ids are UUIDs made by the application."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declarative hook
        dt.datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        str: Text,
    }


def new_id() -> Mapped[uuid.UUID]:
    """A primary key made by the application."""
    return mapped_column(primary_key=True, default=uuid.uuid4)


def now_default() -> Mapped[dt.datetime]:
    """A time of writing, set by the database's clock."""
    return mapped_column(server_default=text("now()"))


class Site(Base):
    """A building or lot: the unit of access."""

    __tablename__ = "sites"
    id: Mapped[uuid.UUID] = new_id()
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[dt.datetime] = now_default()


class Wall(Base):
    """A wall of a site."""

    __tablename__ = "walls"
    id: Mapped[uuid.UUID] = new_id()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[dt.datetime] = now_default()
    __table_args__ = (UniqueConstraint("site_id", "name"),)


class Inspection(Base):
    """One visit to a site: a set of photos. Its active run is the one reports are read from."""

    __tablename__ = "inspections"
    id: Mapped[uuid.UUID] = new_id()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    active_run_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("runs.id", ondelete="SET NULL", use_alter=True)
    )
    created_at: Mapped[dt.datetime] = now_default()


class Archive(Base):
    """A zip file handed in, unpacked by a worker under a lease."""

    __tablename__ = "archives"
    id: Mapped[uuid.UUID] = new_id()
    inspection_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("inspections.id", ondelete="CASCADE"), index=True
    )
    file_name: Mapped[str] = mapped_column(String(1024))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[ArchiveState] = mapped_column(state_column(ArchiveState), default=ArchiveState.EXPECTED)
    attempt: Mapped[int] = mapped_column(SmallInteger, default=0)
    lease_until: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    entries_total: Mapped[int | None]
    entries_done: Mapped[int] = mapped_column(default=0)
    ignored_entries: Mapped[int] = mapped_column(default=0)  # folders, __MACOSX and the like
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None]
    created_at: Mapped[dt.datetime] = now_default()
    __table_args__ = (
        CheckConstraint("(state = 'failed') = (code IS NOT NULL)", name="failed_has_code"),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
    )


class Photo(Base):
    """A file of an inspection, kept even where it was rejected, so that nothing is lost."""

    __tablename__ = "photos"
    id: Mapped[uuid.UUID] = new_id()
    inspection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("inspections.id", ondelete="CASCADE"))
    # A wall with photos stays. Checked at commit: at once, it would also refuse to delete a whole site.
    wall_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("walls.id", deferrable=True, initially="DEFERRED"), index=True
    )
    archive_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("archives.id", ondelete="SET NULL"), index=True
    )
    path: Mapped[str] = mapped_column(String(1024))  # normal relative path, see domain.walls
    state: Mapped[PhotoState] = mapped_column(state_column(PhotoState), default=PhotoState.EXPECTED)
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None]
    sha256: Mapped[str | None] = mapped_column(String(64))  # hex; announced, checked by the worker
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    # The first photo of the inspection with the same bytes: its object and results serve this one too.
    duplicate_of_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("photos.id", ondelete="SET NULL"), index=True
    )
    media_type: Mapped[str | None] = mapped_column(String(40))
    width_px: Mapped[int | None]  # upright
    height_px: Mapped[int | None]
    taken_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=False))  # camera's local time
    camera: Mapped[str | None] = mapped_column(String(200))
    phash: Mapped[int | None] = mapped_column(BigInteger)  # 64-bit perceptual hash, as signed
    # Said by a person, see wire.scale and wire.uploads: what the next run measures this photo by.
    scale: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    wall_polygon_px: Mapped[list[list[float]] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[dt.datetime] = now_default()
    __table_args__ = (
        UniqueConstraint("inspection_id", "path"),
        Index("ix_photos_inspection_sha256", "inspection_id", "sha256"),
        CheckConstraint("(state = 'rejected') = (code IS NOT NULL)", name="rejected_has_code"),
        CheckConstraint("state = 'rejected' OR wall_id IS NOT NULL", name="wall"),
        CheckConstraint("width_px > 0 AND height_px > 0", name="size"),
        CheckConstraint("duplicate_of_id <> id", name="not_own_duplicate"),
    )


class Run(Base):
    """An immutable order: these photos, looked at so, this model, these prompts, this post-processing."""

    __tablename__ = "runs"
    id: Mapped[uuid.UUID] = new_id()
    inspection_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("inspections.id", ondelete="CASCADE"), index=True
    )
    model_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("model_versions.id", ondelete="RESTRICT"))
    prompts: Mapped[list[str]]
    postprocess: Mapped[dict[str, Any]]  # name, version and parameters of the pipeline
    look: Mapped[Look] = composite(
        mapped_column("look_detail", state_column(Detail, "look_detail"), server_default=Detail.WHOLE.value),
        mapped_column("look_flip", Boolean, server_default=false()),
    )
    # Of the photos that have none of their own.
    scale: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # The run whose probability maps are measured again, where they are there: same model, same prompts.
    from_run_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("runs.id", ondelete="SET NULL"), index=True
    )
    state: Mapped[RunState] = mapped_column(state_column(RunState), default=RunState.QUEUED)
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None]
    created_at: Mapped[dt.datetime] = now_default()
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    __table_args__ = (
        CheckConstraint("cardinality(prompts) BETWEEN 1 AND 16", name="prompts"),
        CheckConstraint(f"({one_of('state', RUN_ENDED)}) = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("(state = 'failed') = (code IS NOT NULL)", name="failed_has_code"),
    )


class Task(Base):
    """One photo of a run, with all its prompts: what a worker claims, under a lease.

    `attempt` is the fencing token: a result is taken only from the attempt that holds the lease.
    """

    __tablename__ = "tasks"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    state: Mapped[TaskState] = mapped_column(state_column(TaskState), default=TaskState.QUEUED)
    attempt: Mapped[int] = mapped_column(default=0)  # claims so far, over all tries
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)  # claims since queued or retried by hand
    lease_until: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]  # when its message last went out; the sweeper's window
    worker: Mapped[str | None] = mapped_column(String(200))
    runtime: Mapped[str | None] = mapped_column(String(300))  # what computed the result; see segment.Runtime
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None]
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    __table_args__ = (
        CheckConstraint("(state = 'failed') = (code IS NOT NULL)", name="failed_has_code"),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint(f"({one_of('state', TASK_ENDED)}) = (ended_at IS NOT NULL)", name="ended"),
        Index("ix_tasks_run_state", "run_id", "state"),
        Index(
            "ix_tasks_open", "state", "lease_until", postgresql_where=text("state IN ('queued', 'running')")
        ),
    )


class Item(MapColumns, MeasuredColumns, Base):
    """The result of one photo and one prompt. Exists only where its task succeeded."""

    __tablename__ = "items"
    run_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    photo_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    prompt_index: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # place in runs.prompts
    mask_key: Mapped[str] = mapped_column(String(300))
    mask_sha256: Mapped[str] = mapped_column(String(64))
    foreground_px: Mapped[int] = mapped_column(BigInteger)
    analysed_px: Mapped[int] = mapped_column(BigInteger)
    coverage_pct: Mapped[float] = mapped_column(Float)
    presence: Mapped[float] = mapped_column(Float)  # presence score of the probability map, 0..1
    mean_probability: Mapped[float] = mapped_column(Float)
    max_probability: Mapped[float] = mapped_column(Float)
    threshold: Mapped[float | None] = mapped_column(Float)  # Otsu's, on 0..1; null where the gate was shut
    components: Mapped[int] = mapped_column(Integer)  # connected parts of the mask
    largest_component_px: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[dt.datetime] = now_default()
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "photo_id"], ["tasks.run_id", "tasks.photo_id"], ondelete="CASCADE"),
        CheckConstraint("analysed_px > 0 AND foreground_px BETWEEN 0 AND analysed_px", name="pixels"),
        CheckConstraint("coverage_pct BETWEEN 0 AND 100", name="coverage"),
        CheckConstraint(
            "presence BETWEEN 0 AND 1 AND mean_probability BETWEEN 0 AND 1 "
            "AND max_probability BETWEEN 0 AND 1 AND threshold BETWEEN 0 AND 1",
            name="probabilities",
        ),
        CheckConstraint("prompt_index >= 0", name="prompt_index"),
        CheckConstraint(
            "components >= 0 AND largest_component_px BETWEEN 0 AND foreground_px", name="components"
        ),
        CheckConstraint(
            "estimated_coverage_pct BETWEEN coalesce(estimated_low_pct, 0) AND "
            "coalesce(estimated_high_pct, 100) AND estimated_low_pct >= 0 AND estimated_high_pct <= 100",
            name="estimate",
        ),
        CheckConstraint("(map_key IS NULL) = (map_sha256 IS NULL)", name="map"),
    )
