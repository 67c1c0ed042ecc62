"""Model versions in storage, registered and ready."""

import hashlib
import io
import uuid
import zipfile
from pathlib import Path

from safetensors.torch import save_file
from sqlalchemy import Engine

from tests.segment.tiny import FACTS
from wallscan.domain.lifecycle import DatasetState
from wallscan.models import Manifest, bundle_digest, read_manifest, write_manifest
from wallscan.models.files import DECODER
from wallscan.records import models
from wallscan.records.session import transaction
from wallscan.records.training_tables import Dataset
from wallscan.segment.bundle import load_model
from wallscan.storage import ObjectStore, keys
from wallscan.storage.bundles import store_bundle


def given_version(engine: Engine, store: ObjectStore, folder: Path) -> uuid.UUID:
    """The bundle in a folder, ready to serve."""
    manifest = read_manifest(folder)
    store_bundle(store, manifest, folder)
    with transaction(engine) as session:
        return models.register(session, manifest).id


def renamed(folder: Path, name: str) -> Path:
    """The same weights as another version."""
    write_manifest(folder, {**FACTS, "name": name})
    return folder


def write_delta(folder: Path, base: Path, name: str = "tests/delta") -> Manifest:
    """The decoder of a bundle's own, as a delta over it."""
    folder.mkdir()
    decoder = load_model(base).decoder.state_dict()
    save_file({key: value.half().contiguous() for key, value in decoder.items()}, folder / DECODER)
    whole = read_manifest(base)
    completed = {"name": whole.name, "digest": bundle_digest(whole)}
    return write_manifest(folder, {**FACTS, "name": name, "delta_of": completed})


def given_data_set(engine: Engine, store: ObjectStore, folder: Path) -> uuid.UUID:
    """All files of a folder as a stored data set."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder).as_posix())
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    row = Dataset(
        id=uuid.uuid4(), name="walls", sha256=digest, size_bytes=len(data), state=DatasetState.STORED
    )
    with transaction(engine) as session:
        session.add(row)
    store.put(keys.dataset(row.id), data, "application/zip")
    return row.id
