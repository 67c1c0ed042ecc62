"""A real, tiny model and the resources of one worker process on clean servers."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.records.given import given_model
from tests.worker.tiny import make_tiny_bundle
from wallscan.models.manifest import MANIFEST_NAME, Manifest, bundle_digest
from wallscan.storage import keys
from worker.models import Models
from worker.resources import Resources


@dataclass(frozen=True)
class Bundle:
    folder: Path
    manifest: Manifest

    @property
    def digest(self) -> str:
        return bundle_digest(self.manifest)

    def upload(self, store) -> None:
        for path in self.folder.iterdir():
            if path.name != MANIFEST_NAME:
                store.put_file(keys.model_file(self.digest, path.name), path, "application/octet-stream")


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
