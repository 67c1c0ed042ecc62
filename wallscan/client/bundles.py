"""Models from anywhere as bundles, and bundles into storage."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from wallscan.client.disk import reading, scratch
from wallscan.client.http import Client
from wallscan.client.meter import Meter
from wallscan.client.sources import default_name, model_folder
from wallscan.client.transport import DIRECT, ROUND_PAUSES_S
from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError
from wallscan.models.folder import packed
from wallscan.models.manifest import Manifest
from wallscan.wire.models import Model
from wallscan.wire.uploads import UploadTarget

_CHUNK_BYTES = 1 << 20


@contextmanager
def bundle(source: str, name: str | None, revision: str | None) -> Iterator[tuple[Path, Manifest]]:
    """A bundle's folder and manifest, there while the block runs; plain transformers folders are packed.

    Raises SourceError (see `model_folder`), BundleError `bundle_*`, FileError `file_unreadable` or
    ScratchError `output_unwritable`.
    """
    with reading(source):
        base = None if Path(source).exists() else source
    with model_folder(source, revision) as folder, scratch() as place:
        with reading(source):
            made = packed(folder, place / "bundle", name=name or default_name(source), base=base)
        yield made


def send_bundle(client: Client, folder: Path, manifest: Manifest, meter: Meter) -> Model:
    """The model version, all its files in storage, not yet checked.

    Raises ApiError, FileError `file_unreadable`, or UnavailableError `storage_unavailable` where storage took
    a file in none of several tries.
    """
    total = sum(file.size_bytes for file in manifest.files)
    with httpx.Client(timeout=60.0, mounts=DIRECT) as storage:
        for pause_s in ROUND_PAUSES_S:
            time.sleep(pause_s)
            announced = client.announce_model(manifest.model_dump(mode="json"))
            sizes = {file.name: file.size_bytes for file in manifest.files}
            meter.reach(total - sum(sizes[name] for name in announced.targets))
            if all(
                put_file(storage, target, folder / name, meter) for name, target in announced.targets.items()
            ):
                return announced.model
    raise UnavailableError(
        Code.STORAGE_UNAVAILABLE, "storage did not take the model's files in several tries"
    )


def put_file(storage: httpx.Client, target: UploadTarget, file: Path, meter: Meter) -> bool:
    """Whether storage took the file."""
    try:
        return storage.put(target.url, headers=target.headers, content=_chunks(file, meter)).is_success
    except httpx.TransportError:
        return False


def _chunks(file: Path, meter: Meter) -> Iterator[bytes]:
    with reading(file), file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk
            meter.advance(len(chunk))
