"""Photos from a folder into storage: hash, announce, send what the server lacks."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from wallscan.client.errors import FileError
from wallscan.client.http import Client
from wallscan.client.meter import Meter
from wallscan.client.scan import Found
from wallscan.client.transport import DIRECT, ROUND_PAUSES_S
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.domain.walls import normal_path
from wallscan.wire.uploads import MAX_MANIFEST_FILES, FileOutcome, Manifest, ManifestFile, UploadTarget

_CHUNK_BYTES = 1 << 17
_SENDERS = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that cannot be analysed, and why."""

    path: str
    code: str
    detail: str


@dataclass(slots=True)
class Sent:
    """What became of a folder's files. `stored` counts those sent now and those that were there before."""

    stored: int = 0
    duplicate: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Hashed:
    found: Found
    size_bytes: int
    sha256: str

    def announced(self) -> ManifestFile:
        return ManifestFile(path=self.found.path, size_bytes=self.size_bytes, sha256=self.sha256)


def total_bytes(files: Iterable[Found]) -> int:
    """The files' sizes together, without those that vanished."""
    return sum(_size_bytes(found.file) for found in files)


class _GivenUpError(Exception):
    """Raised in the threads that send, where nobody waits for them any more."""


class Uploader:
    """Sends files to one inspection. To go on after an interruption, send all of them again.

    What is stored already is told by the server and not sent a second time.
    """

    def __init__(self, client: Client, inspection_id: UUID, meter: Meter) -> None:
        self._client = client
        self._inspection_id = inspection_id
        self._meter = meter
        self._sent = Sent()
        self._given_up = False
        # Addresses of storage are signed: the key of the API must not reach them.
        limits = httpx.Limits(max_connections=_SENDERS)
        self._storage = httpx.Client(timeout=60.0, limits=limits, mounts=DIRECT)

    def send(self, files: Sequence[Found]) -> Sent:
        """Send files; bad ones are refused one by one. Raises ApiError where the inspection takes none."""
        pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="upload")
        try:
            for start in range(0, len(files), MAX_MANIFEST_FILES):
                self._send_batch(files[start : start + MAX_MANIFEST_FILES], pool)
        except BaseException:
            self._given_up = True  # else Ctrl-C would wait for the end of eight photos
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            self._storage.close()
        return self._sent

    def _send_batch(self, files: Sequence[Found], pool: ThreadPoolExecutor) -> None:
        hashed = [file for file in pool.map(self._hashed, files) if file is not None]
        for pause_s in ROUND_PAUSES_S:
            if not hashed:
                return
            time.sleep(pause_s)
            manifest = Manifest(files=[file.announced() for file in hashed])
            outcomes = self._client.announce(self._inspection_id, manifest).files
            arrived = pool.map(self._settled, hashed, outcomes)
            tried = zip(hashed, outcomes, arrived, strict=True)
            left = [(file, outcome) for file, outcome, done in tried if not done]
            hashed = [file for file, _ in left]
        for file, outcome in left:
            detail = f"{_storage(outcome)} did not take it in several tries"
            self._refuse(file.found, Code.PHOTO_NOT_UPLOADED, detail)

    def _hashed(self, found: Found) -> _Hashed | None:
        """Size and hash as announced; None where the file is refused without asking the server."""
        try:
            _check_name(found)
            return _hash(found)
        except (FileError, PhotoError) as error:
            self._refuse(found, error.code, error.detail)
            return None

    def _settled(self, file: _Hashed, outcome: FileOutcome) -> bool:
        """Do what the server says; False where announcing the file again may help."""
        if outcome.outcome == "rejected":
            self._refuse(file.found, outcome.code or Code.INTERNAL_ERROR, outcome.detail or "")
            return True
        if outcome.target is not None:
            try:
                if not self._put(file, outcome.target):
                    return False
            except FileError as error:
                self._refuse(file.found, error.code, error.detail)
                return True
        self._count(file, outcome)
        return True

    def _count(self, file: _Hashed, outcome: FileOutcome) -> None:
        # A path that was stored before is its own duplicate.
        another = outcome.outcome == "duplicate" and outcome.duplicate_of != outcome.photo_id
        with self._meter.lock:
            self._sent.duplicate += another
            self._sent.stored += not another
        self._meter.advance(file.size_bytes, things=1)

    def _put(self, file: _Hashed, target: UploadTarget) -> bool:
        """Whether storage took the file. Raises FileError where it is another one by now."""
        try:
            answer = self._storage.put(target.url, headers=target.headers, content=self._content(file))
        except httpx.TransportError:
            return False
        if answer.is_client_error and _hash(file.found) != file:
            raise _changed(file)
        return answer.is_success

    def _content(self, file: _Hashed) -> Iterator[bytes]:
        for chunk in _as_announced(file):
            if self._given_up:
                raise _GivenUpError
            yield chunk

    def _refuse(self, found: Found, code: str, detail: str) -> None:
        with self._meter.lock:
            self._sent.refusals.append(Refusal(found.path, code, detail))
        self._meter.advance(_size_bytes(found.file), things=1)


def _storage(outcome: FileOutcome) -> str:
    """With its host, which may be one that is not to be reached from here."""
    return "storage" if outcome.target is None else f"storage at {urlsplit(outcome.target.url).netloc}"


def _check_name(found: Found) -> None:
    """Raises PhotoError `path_invalid`, also for names that are bytes and no text."""
    try:
        found.path.encode()
    except UnicodeEncodeError as error:
        raise PhotoError(Code.PATH_INVALID, "the name is no UTF-8 text") from error
    normal_path(found.path)


def _hash(found: Found) -> _Hashed:
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in _read(found):
        digest.update(chunk)
        size_bytes += len(chunk)
    return _Hashed(found, size_bytes, digest.hexdigest())


def _read(found: Found) -> Iterator[bytes]:
    try:
        with found.file.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise FileError(Code.FILE_UNREADABLE, f"cannot be read: {error.strerror}") from error


def _as_announced(file: _Hashed) -> Iterator[bytes]:
    """The file's bytes. Raises FileError `file_changed` at the latest where they become too many or end."""
    left = file.size_bytes
    for chunk in _read(file.found):
        left -= len(chunk)
        if left < 0:
            break
        yield chunk
    if left:
        raise _changed(file)


def _changed(file: _Hashed) -> FileError:
    return FileError(Code.FILE_CHANGED, f"{file.found.path} changed while it was being uploaded")


def _size_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
