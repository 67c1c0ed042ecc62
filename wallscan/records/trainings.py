"""Trainings: ordered, read, cancelled. Who carries them out is decided in `records.training_claims`."""

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, undefer

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.lifecycle import DatasetState, TrainingState
from wallscan.records import datasets, models
from wallscan.records import training_tables as tables
from wallscan.records.inspections import After
from wallscan.records.training_tables import TrainingDataset
from wallscan.wire.trainings import NewTraining, Training, TrainingDetail, TrainingEpoch


def order(session: Session, new: NewTraining) -> Training:
    """Queue a training; its message is sent after the commit.

    Raises TrainingError `dataset_unknown` or `dataset_not_uploaded`, WallscanError `model_unknown` or
    `model_not_ready`.
    """
    base = None if new.base is None else models.resolve(session, new.base)
    _require_stored(session, new.dataset_ids)
    recipe = {"recipe_name" if isinstance(new.recipe, str) else "recipe": new.recipe}
    as_told = new.model_dump(exclude={"recipe", "base", "dataset_ids"})
    row = tables.Training(base_model_id=base and base.id, **recipe, **as_told)
    session.add(row)
    session.flush()
    places = enumerate(new.dataset_ids)
    session.add_all(TrainingDataset(training_id=row.id, place=place, dataset_id=one) for place, one in places)
    session.flush()
    session.refresh(row)
    return _body(row, new.dataset_ids)


def get(session: Session, training_id: uuid.UUID) -> TrainingDetail:
    """One training with its epochs and its data report. Raises TrainingError `training_unknown`."""
    row = session.get(tables.Training, training_id, options=[undefer(tables.Training.data_report)])
    if row is None:
        raise _unknown(training_id)
    epochs = session.scalars(
        select(tables.TrainingEpoch)
        .where(tables.TrainingEpoch.training_id == training_id)
        .order_by(tables.TrainingEpoch.number)
    )
    return TrainingDetail(
        **_body(row, _dataset_ids(session, [row.id]).get(row.id, [])).model_dump(),
        epochs=[_epoch(one) for one in epochs],
        data_report=row.data_report,
    )


def page(session: Session, after: After | None, limit: int) -> list[Training]:
    """Up to `limit` trainings, newest first."""
    statement = select(tables.Training)
    if after is not None:
        statement = statement.where(tuple_(tables.Training.created_at, tables.Training.id) < after)
    newest = statement.order_by(tables.Training.created_at.desc(), tables.Training.id.desc())
    rows = session.scalars(newest.limit(limit)).all()
    ids = _dataset_ids(session, [row.id for row in rows])
    return [_body(row, ids.get(row.id, [])) for row in rows]


def cancel(session: Session, training_id: uuid.UUID) -> None:
    """Ask a training to stop: at once where nothing was trained yet, else its trainer publishes the best.

    Asking again changes nothing. Raises TrainingError `training_unknown` or `training_not_cancellable`.
    """
    row = session.scalar(select(tables.Training).where(tables.Training.id == training_id).with_for_update())
    if row is None:
        raise _unknown(training_id)
    if row.state is TrainingState.QUEUED and row.checkpoint is None:
        row.state, row.ended_at = TrainingState.CANCELLED, func.clock_timestamp()
    elif row.state in (TrainingState.QUEUED, TrainingState.RUNNING):
        row.state, row.sent_at = TrainingState.CANCELLING, None
    elif row.state is not TrainingState.CANCELLING:
        raise TrainingError(Code.TRAINING_NOT_CANCELLABLE, f"the training is {row.state}")
    session.flush()
    session.refresh(row)


def _require_stored(session: Session, dataset_ids: Sequence[uuid.UUID]) -> None:
    for dataset_id in dataset_ids:
        dataset = datasets.get(session, dataset_id)
        if dataset.state is not DatasetState.STORED:
            raise TrainingError(
                Code.DATASET_NOT_UPLOADED, f"the bytes of data set {dataset.name[:80]!r} are not in storage"
            )


def _unknown(training_id: uuid.UUID) -> TrainingError:
    return TrainingError(Code.TRAINING_UNKNOWN, f"there is no training {training_id}")


def _dataset_ids(session: Session, training_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    named = session.execute(
        select(TrainingDataset.training_id, TrainingDataset.dataset_id)
        .where(TrainingDataset.training_id.in_(training_ids))
        .order_by(TrainingDataset.training_id, TrainingDataset.place)
    )
    ids: dict[uuid.UUID, list[uuid.UUID]] = {}
    for training_id, dataset_id in named:
        ids.setdefault(training_id, []).append(dataset_id)
    return ids


def _body(row: tables.Training, dataset_ids: Sequence[uuid.UUID]) -> Training:
    taken = {name: getattr(row, name) for name in Training.model_fields if hasattr(row, name)}
    return Training(**taken, dataset_ids=list(dataset_ids), percent=_percent(row))


def _percent(row: tables.Training) -> float:
    if row.state is TrainingState.SUCCEEDED:
        return 100.0
    return round(100.0 * row.step / row.steps, 2) if row.steps else 0.0


def _epoch(row: tables.TrainingEpoch) -> TrainingEpoch:
    return TrainingEpoch(**{name: getattr(row, name) for name in TrainingEpoch.model_fields})
