"""A real, tiny model and the resources of one worker process on clean servers."""

import uuid
from collections.abc import Iterator

import pytest

from tests.records.given import given_model
from tests.worker.chaos import Chaos, started_chaos
from tests.worker.tiny import Bundle, make_tiny_bundle
from worker.models import Models
from worker.resources import Resources


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    return Bundle(folder, make_tiny_bundle(folder))


@pytest.fixture
def model_id(engine, store, bundle) -> uuid.UUID:
    """The tiny model, in storage and registered."""
    bundle.upload(store)
    return given_model(engine, bundle.digest, bundle.manifest.model_dump(mode="json"))


@pytest.fixture
def resources(engine, store, tmp_path) -> Resources:
    return Resources(engine, store, Models(store, tmp_path / "models"), "a-worker", lease_s=30.0)


@pytest.fixture(scope="session")
def chaos() -> Iterator[Chaos]:
    """Servers of its own, that tests may kill; they start workers and sweepers themselves."""
    with started_chaos() as started:
        yield started


@pytest.fixture(scope="module")
def busy(chaos: Chaos) -> Iterator[Chaos]:
    """The stack with a worker of two processes and a sweeper, both started again when they die."""
    chaos.start_worker()
    chaos.start_sweeper()
    yield chaos
    chaos.supervisor.stop(["worker", "sweeper"])
