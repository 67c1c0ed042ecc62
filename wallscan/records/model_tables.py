"""Tables of models: versions, benchmarks, comparisons with the active version, and which one served when."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wallscan.domain.lifecycle import COMPARISON_ENDED, ActivationKind, ComparisonState, ModelState
from wallscan.records.tables import Base, new_id, now_default, one_of, state_column


class ModelVersion(Base):
    """A bundle of weights, named by the digest of its manifest. At most one is active."""

    __tablename__ = "model_versions"
    id: Mapped[uuid.UUID] = new_id()
    name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    manifest: Mapped[dict[str, Any]]
    state: Mapped[ModelState] = mapped_column(state_column(ModelState), default=ModelState.EXPECTED)
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None]
    active: Mapped[bool] = mapped_column(Boolean, default=False)
    sent_at: Mapped[dt.datetime | None]
    attempt: Mapped[int] = mapped_column(server_default=text("0"))  # of checks: a fence, never counted back
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))  # since it was put up
    lease_until: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = now_default()
    # The whole bundle that a decoder-only one completes: it stays for as long as something needs it.
    base_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("model_versions.id", ondelete="RESTRICT"), index=True
    )
    __table_args__ = (
        CheckConstraint("(state = 'rejected') = (code IS NOT NULL)", name="rejected_has_code"),
        CheckConstraint("NOT active OR state = 'ready'", name="active_is_ready"),
        CheckConstraint("base_id <> id", name="not_own_base"),
        Index("uq_model_versions_active", "active", unique=True, postgresql_where=text("active")),
    )


class Benchmark(Base):
    """What new versions are compared on from some time on: a data set, or rendered walls where it is null."""

    __tablename__ = "benchmarks"
    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)  # the highest counts
    dataset_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("datasets.id", ondelete="RESTRICT"), index=True
    )
    key_name: Mapped[str] = mapped_column(String(200))  # the API key's that set it
    created_at: Mapped[dt.datetime] = now_default()


class ModelComparison(Base):
    """A version measured against the one that was active when its activation was asked for.

    Carried out by one trainer at a time, under a lease; `attempt` is the fencing token. One that passes
    activates its version, unless another version has become active meanwhile.
    """

    __tablename__ = "model_comparisons"
    id: Mapped[uuid.UUID] = new_id()
    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("model_versions.id", ondelete="RESTRICT"))
    active_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("model_versions.id", ondelete="RESTRICT"))
    dataset_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("datasets.id", ondelete="RESTRICT"))
    key_name: Mapped[str] = mapped_column(String(200))  # the API key's that asked
    state: Mapped[ComparisonState] = mapped_column(
        state_column(ComparisonState), default=ComparisonState.QUEUED
    )
    attempt: Mapped[int] = mapped_column(SmallInteger, default=0)
    lease_until: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    numbers: Mapped[dict[str, Any] | None]  # `wire.models.Measured`
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    ended_at: Mapped[dt.datetime | None]
    __table_args__ = (
        CheckConstraint("model_id <> active_id", name="two_models"),
        CheckConstraint("(state IN ('refused', 'failed')) = (code IS NOT NULL)", name="refused_has_code"),
        CheckConstraint("state NOT IN ('passed', 'refused') OR numbers IS NOT NULL", name="numbers"),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint(f"({one_of('state', COMPARISON_ENDED)}) = (ended_at IS NOT NULL)", name="ended"),
        Index(
            "uq_model_comparisons_open",
            "model_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("ix_model_comparisons_model_id", "model_id", "created_at"),
    )


class ModelActivation(Base):
    """A version that began to serve: how that came, who wanted it and why. The highest number serves."""

    __tablename__ = "model_activations"
    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    model_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("model_versions.id", ondelete="RESTRICT"), index=True
    )
    kind: Mapped[ActivationKind] = mapped_column(state_column(ActivationKind, name="kind"))
    key_name: Mapped[str | None] = mapped_column(String(200))  # null: the system's own start
    reason: Mapped[str | None]
    comparison_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("model_comparisons.id", ondelete="RESTRICT")
    )
    # Where a rollback goes from here; null for the first.
    back_to: Mapped[int | None] = mapped_column(ForeignKey("model_activations.number", ondelete="RESTRICT"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    __table_args__ = (
        CheckConstraint("kind <> 'forced' OR reason IS NOT NULL", name="forced_has_reason"),
        CheckConstraint("back_to < number", name="back"),
    )
