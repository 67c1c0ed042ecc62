"""One archive: claim, fetch, unpack entry by entry into photos of its inspection.

Safe to repeat: an entry's place is its path, its bytes go under the id of the photo there, so a second
pass over what the first one stored changes nothing.
"""

import logging
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import ArchiveError, PhotoError, UnavailableError, WallscanError
from wallscan.domain.lifecycle import MAX_ATTEMPTS
from wallscan.domain.walls import MAX_PATH_CHARS, normal_path, wall_of
from wallscan.jobs.heartbeat import held
from wallscan.photos.archives import Entry, Ignored, Rejected, count_entries, iter_photos
from wallscan.photos.decode import check
from wallscan.photos.sniff import sniff
from wallscan.records import archive_claims, arrivals, intake
from wallscan.records.archive_claims import ArchiveClaim
from wallscan.records.intake import Candidate, Placed, Refusal
from wallscan.records.session import transaction
from wallscan.storage import ObjectMissing, keys
from worker.resources import Resources

_log = logging.getLogger(__name__)

_BATCH_ENTRIES = 50
_BATCH_BYTES = 64 * 2**20
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class _ClaimLostError(Exception):
    """Raised when another worker has taken over."""


_Listed = tuple[Candidate, Placed]


@dataclass(frozen=True, slots=True)
class _Unpacked:
    """An entry in memory; `candidate` is None for one that is no photo and no loss."""

    candidate: Candidate | None
    data: bytes = b""


def unpack_archive(resources: Resources, archive_id: uuid.UUID) -> None:
    """Unpack an archive if it is free. Safe to call any number of times, and to die in anywhere."""
    with transaction(resources.engine) as session:
        claim = archive_claims.claim(session, archive_id, resources.lease_s)
    if claim is not None:
        with held(lambda: _extend(resources, claim), resources.lease_s):
            _work(resources, claim)


def _extend(resources: Resources, claim: ArchiveClaim) -> bool:
    with transaction(resources.engine) as session:
        return archive_claims.extend(session, claim, resources.lease_s)


def _work(resources: Resources, claim: ArchiveClaim) -> None:
    try:
        _unpack(resources, claim)
    except UnavailableError as error:
        _log.warning("archive %s waits: %s", claim.archive_id, error)
        _release(resources, claim, count_try=False)
    except WallscanError as error:
        _fail(resources, claim, error.code, error.detail)
    except _ClaimLostError:
        _log.warning("archive %s: the claim was lost", claim.archive_id)
    except Exception as error:  # noqa: BLE001 - the row must say so, whatever it is
        _log.exception("archive %s", claim.archive_id)
        if claim.attempt < MAX_ATTEMPTS:
            _release(resources, claim, count_try=True)
        else:
            _fail(resources, claim, Code.INTERNAL_ERROR, f"unexpected {type(error).__name__}")


def _unpack(resources: Resources, claim: ArchiveClaim) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.zip"
        try:
            resources.store.download(keys.archive(claim.archive_id), path)
        except ObjectMissing as error:
            raise ArchiveError(Code.ARCHIVE_NOT_UPLOADED, "storage does not hold the archive") from error
        with path.open("rb") as file:
            total, done, ignored = count_entries(file), 0, 0
            file.seek(0)
            for batch in _batches(_unpacked(item) for item in iter_photos(file)):
                done += len(batch)
                ignored += sum(entry.candidate is None for entry in batch)
                listed = _store(resources, claim, batch)
                _advance(resources, claim, listed, total=total, done=done, ignored=ignored)
    with transaction(resources.engine) as session:
        archive_claims.finish(session, claim)


def _unpacked(item: Entry | Rejected | Ignored) -> _Unpacked:
    if isinstance(item, Ignored):
        return _Unpacked(None)
    if isinstance(item, Rejected):
        return _refused(item.name, item.code, item.detail)
    data = item.file.read()
    try:
        wall = wall_of(item.path)
        check(data)
    except PhotoError as error:
        return _refused(item.path, error.code, error.detail)
    return _Unpacked(Candidate(item.path, wall, item.size_bytes, item.sha256), data)


def _refused(name: str, code: Code, detail: str) -> _Unpacked:
    """A refused entry, listed under its wall where its name has one, else under what prints of it."""
    try:
        path = normal_path(name)
        wall: str | None = wall_of(path)
    except PhotoError:
        path, wall = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", name)[:MAX_PATH_CHARS], None
    return _Unpacked(Candidate(path, wall, 0, None, Refusal(code, detail)))


def _batches(entries: Iterable[_Unpacked]) -> Iterator[list[_Unpacked]]:
    batch: list[_Unpacked] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) >= _BATCH_ENTRIES or sum(len(one.data) for one in batch) >= _BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(resources: Resources, claim: ArchiveClaim, batch: list[_Unpacked]) -> list[_Listed]:
    """Rows first, as expected; then the bytes that they await."""
    entries = [entry for entry in batch if entry.candidate is not None]
    candidates = [entry.candidate for entry in entries if entry.candidate is not None]
    with transaction(resources.engine) as session:
        placed = intake.place(session, claim.inspection_id, candidates, claim.archive_id)
    for entry, place in zip(entries, placed, strict=True):
        if place.awaits_bytes and place.original_id is not None:
            _put(resources, claim, place.original_id, entry.data)
    return list(zip(candidates, placed, strict=True))


def _list_rowless(session: Session, claim: ArchiveClaim, listed: Iterable[_Listed]) -> None:
    """An entry whose path another photo holds has no row there; it is listed under a name of its own."""
    suffix = f" ({claim.archive_id.hex[:8]})"
    refused = [
        replace(one, path=one.path[: MAX_PATH_CHARS - len(suffix)] + suffix, refusal=place.refusal)
        for one, place in listed
        if place.refusal is not None and place.photo_id is None
    ]
    intake.place(session, claim.inspection_id, refused, claim.archive_id)


def _put(resources: Resources, claim: ArchiveClaim, photo_id: uuid.UUID, data: bytes) -> None:
    media_type = sniff(data).value
    resources.store.put(keys.photo(claim.inspection_id, photo_id), data, media_type)


def _advance(
    resources: Resources, claim: ArchiveClaim, listed: list[_Listed], *, total: int, done: int, ignored: int
) -> None:
    """Mark a batch as stored. The inspection is locked before the archive: who waits for it beats on."""
    placed = [place for _, place in listed]
    came = {place.original_id for place in placed if place.awaits_bytes and place.original_id is not None}
    with transaction(resources.engine) as session:
        arrivals.arrived(session, claim.inspection_id, came)
        placed = arrivals.stored_or_refused(session, claim.inspection_id, placed)
        _list_rowless(session, claim, zip((one for one, _ in listed), placed, strict=True))
        if not archive_claims.advance(session, claim, total=total, done=done, ignored=ignored):
            raise _ClaimLostError


def _release(resources: Resources, claim: ArchiveClaim, *, count_try: bool) -> None:
    with transaction(resources.engine) as session:
        archive_claims.release(session, claim, count_try=count_try)


def _fail(resources: Resources, claim: ArchiveClaim, code: Code, detail: str) -> None:
    with transaction(resources.engine) as session:
        archive_claims.fail(session, claim, code, detail)
