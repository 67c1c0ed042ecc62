"""What new model versions are compared on: a data set, frozen by its hash, or rendered walls."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.lifecycle import DatasetState
from wallscan.records import model_tables as tables
from wallscan.records.training_tables import Dataset
from wallscan.wire.models import Benchmark


def current(session: Session) -> Benchmark:
    """The benchmark of now; all fields but the key's are null where walls are rendered."""
    row = _latest(session)
    if row is None:
        return Benchmark(dataset_id=None, name=None, sha256=None, key_name=None, created_at=None)
    dataset = None if row.dataset_id is None else session.get_one(Dataset, row.dataset_id)
    return Benchmark(
        dataset_id=row.dataset_id,
        name=dataset and dataset.name,
        sha256=dataset and dataset.sha256,
        key_name=row.key_name,
        created_at=row.created_at,
    )


def dataset_id(session: Session) -> uuid.UUID | None:
    """The data set of the benchmark of now; None where walls are rendered."""
    row = _latest(session)
    return None if row is None else row.dataset_id


def choose(session: Session, dataset_id: uuid.UUID | None, key_name: str) -> None:
    """Compare on this data set from now on, on rendered walls where None.

    What is under way keeps its own. Raises TrainingError `benchmark_unusable` where it is not in storage.
    """
    if dataset_id is not None:
        row = session.get(Dataset, dataset_id)
        if row is None or row.state is not DatasetState.STORED:
            raise TrainingError(Code.BENCHMARK_UNUSABLE, f"there is no data set {dataset_id} in storage")
    session.add(tables.Benchmark(dataset_id=dataset_id, key_name=key_name))
    session.flush()


def _latest(session: Session) -> tables.Benchmark | None:
    newest = select(tables.Benchmark).order_by(tables.Benchmark.number.desc()).limit(1)
    return session.scalars(newest).first()
