"""Tables of training: data sets, trainings, what each epoch of them came to."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wallscan.domain.lifecycle import TRAINING_ENDED, DatasetState, TrainingState
from wallscan.domain.splits import SplitBy
from wallscan.records.tables import Base, new_id, now_default, one_of, state_column


class Dataset(Base):
    """A zip file of annotated photos, each content once."""

    __tablename__ = "datasets"
    id: Mapped[uuid.UUID] = new_id()
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)  # hex
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[DatasetState] = mapped_column(state_column(DatasetState), default=DatasetState.EXPECTED)
    created_at: Mapped[dt.datetime] = now_default()
    __table_args__ = (CheckConstraint("size_bytes > 0", name="size"),)


class Training(Base):
    """An order to train a model, carried out by one trainer at a time, under a lease.

    `attempt` is the fencing token: only the attempt that holds the lease may write. `tries` counts the
    claims since the latest checkpoint, so that a long training survives any number of restarts.
    """

    __tablename__ = "trainings"
    id: Mapped[uuid.UUID] = new_id()
    name: Mapped[str] = mapped_column(String(200))  # the model's
    recipe_name: Mapped[str | None] = mapped_column(String(100))
    recipe: Mapped[dict[str, Any] | None]  # every number; filled in from the name by the first claim
    seed: Mapped[int | None] = mapped_column(BigInteger)  # in the place of the recipe's
    split: Mapped[SplitBy] = mapped_column(
        state_column(SplitBy, "split"), server_default=SplitBy.OFFICIAL.value
    )
    # JSONB would put the families in another order, and the first that fits a class has it.
    classes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    licence: Mapped[str | None] = mapped_column(String(200))  # of the weights
    attribution: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    base_model_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("model_versions.id", ondelete="RESTRICT")
    )
    model_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("model_versions.id", ondelete="RESTRICT"))
    state: Mapped[TrainingState] = mapped_column(state_column(TrainingState), default=TrainingState.QUEUED)
    attempt: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    lease_until: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    worker: Mapped[str | None] = mapped_column(String(200))
    # What is done before the first step, and how far it has come.
    preparation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    step: Mapped[int] = mapped_column(default=0)  # optimiser steps done
    steps: Mapped[int | None]
    loss: Mapped[float | None] = mapped_column(Float)  # of the latest step
    eta_s: Mapped[float | None] = mapped_column(Float)
    # What the latest attempt read. Large beside the rest, and of no use to those who only count steps.
    data_report: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    checkpoint: Mapped[dict[str, Any] | None]  # what storage holds: attempt, step, files
    code: Mapped[str | None] = mapped_column(String(60))
    detail: Mapped[str | None]
    created_at: Mapped[dt.datetime] = now_default()
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    __table_args__ = (
        CheckConstraint("recipe_name IS NOT NULL OR recipe IS NOT NULL", name="recipe"),
        CheckConstraint("(state = 'failed') = (code IS NOT NULL)", name="failed_has_code"),
        CheckConstraint(f"({one_of('state', TRAINING_ENDED)}) = (ended_at IS NOT NULL)", name="ended"),
        # One that is being cancelled may have lost its trainer.
        CheckConstraint(
            "CASE state WHEN 'running' THEN lease_until IS NOT NULL WHEN 'cancelling' THEN true "
            "ELSE lease_until IS NULL END",
            name="lease",
        ),
        CheckConstraint("state <> 'succeeded' OR model_id IS NOT NULL", name="succeeded_has_model"),
        CheckConstraint("step >= 0 AND steps >= 0", name="steps"),
        Index("ix_trainings_created_at_id", "created_at", "id"),
        Index(
            "ix_trainings_open",
            "state",
            postgresql_where=text("state IN ('queued', 'running', 'cancelling')"),
        ),
    )


class TrainingDataset(Base):
    """One of the data sets that a training learns from, in the order in which they were named."""

    __tablename__ = "training_datasets"
    training_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("datasets.id", ondelete="RESTRICT"), index=True)
    __table_args__ = (UniqueConstraint("training_id", "dataset_id"),)


class TrainingEpoch(Base):
    """What an epoch came to; null where it is no finite number.

    `valid_iou` is the mean foreground IoU of the photos held out.
    """

    __tablename__ = "training_epochs"
    training_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1
    step: Mapped[int]  # steps done by its end
    train_loss: Mapped[float | None] = mapped_column(Float)
    valid_loss: Mapped[float | None] = mapped_column(Float)
    valid_iou: Mapped[float | None] = mapped_column(Float)
    learning_rate: Mapped[float] = mapped_column(Float)
    seconds: Mapped[float] = mapped_column(Float)
    created_at: Mapped[dt.datetime] = now_default()
    __table_args__ = (CheckConstraint("number > 0", name="number"),)
