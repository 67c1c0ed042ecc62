"""Bundles between storage and a folder."""

from pathlib import Path

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.manifest import MANIFEST_NAME, Manifest, bundle_digest
from wallscan.storage import keys
from wallscan.storage.errors import ObjectMissing
from wallscan.storage.port import ObjectStore

_TYPE = "application/octet-stream"


def fetch_bundle(store: ObjectStore, manifest: Manifest, folder: Path) -> None:
    """Fill an empty folder with a bundle, its files not yet checked.

    Raises BundleError `bundle_file_missing`, and StorageUnavailable.
    """
    digest = bundle_digest(manifest)
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(), encoding="utf-8")
    for file in manifest.files:
        try:
            store.download(keys.model_file(digest, file.name), folder / file.name)
        except ObjectMissing as error:
            raise BundleError(
                Code.BUNDLE_FILE_MISSING, f"storage does not hold the model's {file.name}"
            ) from error


def fetch_model(store: ObjectStore, manifest: Manifest, base: Manifest | None, parent: Path) -> Path:
    """A bundle in a folder of `parent`, named by its digest, and its base beside it; the bundle's folder.

    One that is there is not fetched again. Raises as `fetch_bundle` does.
    """
    for one in (manifest, base):
        if one is not None and not (folder := parent / bundle_digest(one)).exists():
            folder.mkdir()
            fetch_bundle(store, one, folder)
    return parent / bundle_digest(manifest)


def store_bundle(store: ObjectStore, manifest: Manifest, folder: Path) -> None:
    """Lay a bundle's files into storage under its digest, those that are not there yet.

    Raises StorageUnavailable.
    """
    digest = bundle_digest(manifest)
    for file in manifest.files:
        key = keys.model_file(digest, file.name)
        if not _is_there(store, key, file.size_bytes):
            store.put_file(key, folder / file.name, _TYPE)


def _is_there(store: ObjectStore, key: str, size_bytes: int) -> bool:
    try:
        return store.stat(key).size_bytes == size_bytes
    except ObjectMissing:
        return False
