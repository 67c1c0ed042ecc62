"""From a file as it was announced or sent to a candidate of `records.intake`, and back to its outcome."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.domain.walls import normal_path, wall_name, wall_of
from wallscan.photos.decode import check
from wallscan.photos.limits import PhotoLimits
from wallscan.records.intake import Candidate, Placed, Refusal
from wallscan.storage import ObjectStore, keys
from wallscan.wire.uploads import FileOutcome, ManifestFile, UploadTarget

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file by the name it was given, with its candidate, or why it cannot even be listed."""

    name: str
    candidate: Candidate | None
    refusal: Refusal | None = None
    media_type: str = UNKNOWN_TYPE


def announced(file: ManifestFile, limits: PhotoLimits) -> Incoming:
    """A file of a manifest: judged by its name and size alone."""
    return _incoming(
        file.path, file.wall, file.size_bytes, file.sha256, _size_refusal(file.size_bytes, limits)
    )


def sent(name: str, wall: str | None, file: BinaryIO, limits: PhotoLimits) -> Incoming:
    """A file of a form: its bytes are hashed and checked, and left at their beginning."""
    data = file.read(limits.max_bytes + 1)
    file.seek(0)
    refusal = _size_refusal(len(data), limits)
    media_type: str = UNKNOWN_TYPE
    if refusal is None:
        try:
            media_type = check(data, limits).media_type
        except PhotoError as error:
            refusal = Refusal(error.code, error.detail)
    return _incoming(name, wall, len(data), hashlib.sha256(data).hexdigest(), refusal, media_type)


def in_storage(store: ObjectStore, inspection_id: UUID) -> frozenset[UUID]:
    """Photos whose bytes arrived. Size and hash need no look: the presigned address took no others."""
    prefix = keys.inspection_photos(inspection_id)
    return frozenset(UUID(key.removeprefix(prefix)) for key in store.list(prefix))


def outcomes(
    files: Sequence[Incoming],
    placed: Sequence[Placed],
    target_of: Callable[[Candidate, UUID], UploadTarget] | None,
) -> list[FileOutcome]:
    """One outcome a file, in the order they came; without `target_of` the bytes are in already."""
    places = iter(placed)
    return [
        FileOutcome(path=file.name, outcome="rejected", **_reason(file.refusal))
        if file.candidate is None
        else _outcome(file.name, file.candidate, next(places), target_of)
        for file in files
    ]


def _outcome(
    name: str,
    candidate: Candidate,
    placed: Placed,
    target_of: Callable[[Candidate, UUID], UploadTarget] | None,
) -> FileOutcome:
    if placed.outcome == "rejected":
        return FileOutcome(path=name, outcome="rejected", photo_id=placed.photo_id, **_reason(placed.refusal))
    if placed.outcome == "duplicate" or placed.photo_id is None:
        return FileOutcome(
            path=name, outcome="duplicate", photo_id=placed.photo_id, duplicate_of=placed.original_id
        )
    if target_of is None or placed.outcome == "stored":
        return FileOutcome(path=name, outcome="stored", photo_id=placed.photo_id)
    target = target_of(candidate, placed.photo_id)
    return FileOutcome(path=name, outcome="upload", photo_id=placed.photo_id, target=target)


def _incoming(
    name: str,
    wall: str | None,
    size_bytes: int,
    sha256: str,
    refusal: Refusal | None,
    media_type: str = UNKNOWN_TYPE,
) -> Incoming:
    try:
        path = normal_path(name)
    except PhotoError as error:
        return Incoming(name, None, Refusal(error.code, error.detail))
    try:
        place = wall_of(path) if wall is None else wall_name(wall)
    except PhotoError as error:
        place, refusal = None, Refusal(error.code, error.detail)
    candidate = Candidate(path, place, size_bytes, sha256, refusal, wall_must_exist=wall is not None)
    return Incoming(name, candidate, media_type=media_type)


def _size_refusal(size_bytes: int, limits: PhotoLimits) -> Refusal | None:
    if size_bytes == 0:
        return Refusal(Code.PHOTO_EMPTY, "the file is empty")
    if size_bytes > limits.max_bytes:
        return Refusal(Code.PHOTO_TOO_MANY_BYTES, f"a photo has at most {limits.max_bytes} bytes")
    return None


def _reason(refusal: Refusal | None) -> dict[str, str]:
    return {"code": refusal.code, "detail": refusal.detail} if refusal else {}
