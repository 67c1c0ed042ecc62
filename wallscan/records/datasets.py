"""Data sets: announced, stored, each content once."""

import uuid

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.lifecycle import DatasetState
from wallscan.records import training_tables as tables
from wallscan.records.inspections import After
from wallscan.wire.trainings import Dataset, NewDataset


def announce(session: Session, new: NewDataset) -> Dataset:
    """The data set of this content: made as `expected`, or the one already stored under its own name.

    Of one that never arrived the latest name and size count: a wrong size would refuse the right bytes.
    """
    statement = insert(tables.Dataset).values(**new.model_dump())
    expected = statement.on_conflict_do_update(
        index_elements=[tables.Dataset.sha256],
        set_={"name": new.name, "size_bytes": new.size_bytes},
        where=tables.Dataset.state == DatasetState.EXPECTED,
    )
    session.execute(expected)
    return _body(session.scalars(select(tables.Dataset).where(tables.Dataset.sha256 == new.sha256)).one())


def get(session: Session, dataset_id: uuid.UUID) -> Dataset:
    """One data set. Raises TrainingError `dataset_unknown`."""
    found = session.get(tables.Dataset, dataset_id)
    if found is None:
        raise TrainingError(Code.DATASET_UNKNOWN, f"there is no data set {dataset_id}")
    return _body(found)


def page(session: Session, after: After | None, limit: int) -> list[Dataset]:
    """Up to `limit` data sets, newest first."""
    statement = select(tables.Dataset)
    if after is not None:
        statement = statement.where(tuple_(tables.Dataset.created_at, tables.Dataset.id) < after)
    newest = statement.order_by(tables.Dataset.created_at.desc(), tables.Dataset.id.desc())
    return [_body(row) for row in session.scalars(newest.limit(limit))]


def stored(session: Session, dataset_id: uuid.UUID) -> None:
    """Remember that a data set's bytes are in storage."""
    session.execute(
        update(tables.Dataset).where(tables.Dataset.id == dataset_id).values(state=DatasetState.STORED)
    )


def _body(row: tables.Dataset) -> Dataset:
    return Dataset.model_validate(row, from_attributes=True)
