import uuid

import pytest

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.lifecycle import DatasetState
from wallscan.records import benchmarks
from wallscan.records.session import transaction
from wallscan.records.training_tables import Dataset


def given_dataset(engine, state):
    row = Dataset(id=uuid.uuid4(), name="walls", sha256=uuid.uuid4().hex * 2, size_bytes=1, state=state)
    with transaction(engine) as session:
        session.add(row)
    return row.id


def test_the_latest_choice_counts(engine):
    dataset = given_dataset(engine, DatasetState.STORED)
    for chosen in (None, dataset, None, dataset):
        with transaction(engine) as session:
            benchmarks.choose(session, chosen, "a key")
        with transaction(engine) as session:
            assert benchmarks.dataset_id(session) == chosen
            assert benchmarks.current(session).name == (None if chosen is None else "walls")


def test_what_is_not_in_storage_cannot_be_compared_on(engine):
    for dataset in (uuid.uuid4(), given_dataset(engine, DatasetState.EXPECTED)):
        with transaction(engine) as session, pytest.raises(TrainingError) as refused:
            benchmarks.choose(session, dataset, "a key")
        assert refused.value.code is Code.BENCHMARK_UNUSABLE
