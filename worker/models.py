"""Models of a process: fetched once a machine, checked, loaded once a process, the latest few kept."""

import json
import shutil
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, ConversionError, UnavailableError
from wallscan.domain.lifecycle import MAX_ATTEMPTS
from wallscan.models.cache import scratch
from wallscan.models.files import check_files, parse_manifest
from wallscan.models.manifest import Manifest, bundle_digest
from wallscan.segment.engine import Engine, load_engine
from wallscan.storage import ObjectStore
from wallscan.storage.bundles import fetch_bundle

_KEPT = 2


class Models:
    """Engines by the digest of their bundle.

    A run names its version, so a newly activated one is loaded when its first photo comes: no restart.
    """

    def __init__(
        self, store: ObjectStore, folder: Path, load: Callable[[Path], Engine] = load_engine
    ) -> None:
        self._store = store
        self._folder = folder
        self._load = load
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._killed: Counter[str] = Counter()

    def engine(self, digest: str, manifest: dict[str, Any], base: dict[str, Any] | None = None) -> Engine:
        """The loaded engine of a bundle; `manifest` is the one registered with it, `base` that of its base.

        Raises BundleError (`bundle_*`) where the bundle is not what was registered, and UnavailableError
        `storage_unavailable`, also where this machine cannot keep the files: no photo is at fault there.
        Where the conversion of the bundle is killed, ConversionError `conversion_killed`, and BundleError of
        the same code when it happens the third time in a row: this machine will not get it done.
        """
        if digest not in self._engines:
            registered = parse_manifest(json.dumps(manifest).encode())
            if registered.delta_of is not None and base is not None:
                self._fetched(registered.delta_of.digest, parse_manifest(json.dumps(base).encode()))
            self._engines[digest] = self._loaded(digest, self._fetched(digest, registered))
            if len(self._engines) > _KEPT:
                self._engines.popitem(last=False)
        self._engines.move_to_end(digest)
        return self._engines[digest]

    def _loaded(self, digest: str, folder: Path) -> Engine:
        try:
            engine = self._load(folder)
        except ConversionError as error:
            self._killed[digest] += 1
            if self._killed[digest] < MAX_ATTEMPTS:
                raise
            del self._killed[digest]  # the next run may find more memory
            raise BundleError(error.code, f"{error.detail}: {MAX_ATTEMPTS} times in a row") from error
        del self._killed[digest]
        return engine

    def _fetched(self, digest: str, manifest: Manifest) -> Path:
        """The bundle's folder on this machine. A damaged one, say by a full disk, is fetched anew."""
        folder = self._folder / digest
        if folder.exists():
            try:
                check_files(folder)
            except BundleError:
                shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            try:
                self._fetch(digest, manifest, folder)
            except OSError as error:
                raise UnavailableError(
                    Code.STORAGE_UNAVAILABLE, f"the model cannot be kept in {self._folder}: {error}"
                ) from error
        return folder

    def _fetch(self, digest: str, manifest: Manifest, folder: Path) -> None:
        if bundle_digest(manifest) != digest:
            raise BundleError(Code.BUNDLE_CHECKSUM_MISMATCH, "the manifest is not the one registered")
        self._folder.mkdir(parents=True, exist_ok=True)
        with scratch(self._folder, "fetching") as bundle:
            fetch_bundle(self._store, manifest, bundle)
            check_files(bundle)
            _move(bundle, folder)


def _move(bundle: Path, folder: Path) -> None:
    """Into place in one step; where another process was faster, its copy is the same."""
    try:
        bundle.rename(folder)
    except OSError:
        if not folder.exists():
            raise
