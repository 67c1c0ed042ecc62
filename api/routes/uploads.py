"""Photos handed in: by manifest with presigned addresses, or in a form."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, UploadFile

from api import intake as door
from api.auth import Caller
from api.bootstrap import Services as AllServices
from api.context import Services
from api.targets import upload_target
from wallscan.records import arrivals, inspections, intake
from wallscan.records.intake import Candidate, Placed
from wallscan.records.session import transaction
from wallscan.storage import keys
from wallscan.wire.uploads import Manifest, UploadOutcomes, UploadTarget

router = APIRouter(tags=["uploads"])


@router.post("/inspections/{inspection_id}/uploads")
def announce_photos(
    inspection_id: UUID, manifest: Manifest, services: Services, caller: Caller
) -> UploadOutcomes:
    """Announce files. Each is to be uploaded, is here already, or is refused; the others go on."""
    files = [door.announced(file, services.photo_limits) for file in manifest.files]
    with transaction(services.engine) as session:
        inspections.site_of(session, caller.sites, inspection_id)
        placed = intake.place(session, inspection_id, _candidates(files))
    placed = _resumed(services, inspection_id, placed)

    def target(candidate: Candidate, photo_id: UUID) -> UploadTarget:
        return upload_target(
            services,
            keys.photo(inspection_id, photo_id),
            size_bytes=candidate.size_bytes,
            sha256=candidate.sha256 or "",
            content_type=door.UNKNOWN_TYPE,
        )

    return UploadOutcomes(files=door.outcomes(files, placed, target))


@router.post("/inspections/{inspection_id}/photos")
def upload_photos(
    inspection_id: UUID,
    files: list[UploadFile],
    services: Services,
    caller: Caller,
    wall: Annotated[str | None, Form()] = None,
) -> UploadOutcomes:
    """Send files in a form; a file's name is its relative path, whose first folder names its wall.

    With `wall` all files go to that wall, which must exist.
    """
    with transaction(services.engine) as session:
        inspections.site_of(session, caller.sites, inspection_id)
    seen = [door.sent(file.filename or "", wall, file.file, services.photo_limits) for file in files]
    with transaction(services.engine) as session:
        placed = intake.place(session, inspection_id, _candidates(seen))
    placed = _stored(services, inspection_id, files, seen, placed)
    return UploadOutcomes(files=door.outcomes(seen, placed, None))


def _resumed(services: AllServices, inspection_id: UUID, placed: list[Placed]) -> list[Placed]:
    """Of photos announced earlier, those whose bytes arrived meanwhile are stored: nothing is sent twice."""
    again = {place.photo_id for place in placed if place.photo_id is not None and place.announced_before}
    if not again:
        return placed
    found = again & door.in_storage(services.store, inspection_id)
    with transaction(services.engine) as session:
        arrivals.arrived(session, inspection_id, found)
        stored = arrivals.stored(session, inspection_id, found)
    return [replace(place, outcome="stored") if place.photo_id in stored else place for place in placed]


def _candidates(files: Sequence[door.Incoming]) -> list[Candidate]:
    return [file.candidate for file in files if file.candidate is not None]


def _stored(
    services: AllServices,
    inspection_id: UUID,
    files: Sequence[UploadFile],
    seen: Sequence[door.Incoming],
    placed: Sequence[Placed],
) -> list[Placed]:
    """Put the bytes that are waited for into storage, a photo at a time in memory; what is stored then."""
    listed = [(file, one) for file, one in zip(files, seen, strict=True) if one.candidate is not None]
    arrived: set[UUID] = set()
    for (file, one), place in zip(listed, placed, strict=True):
        if place.awaits_bytes and place.original_id is not None and place.original_id not in arrived:
            services.store.put(keys.photo(inspection_id, place.original_id), file.file.read(), one.media_type)
            arrived.add(place.original_id)
    with transaction(services.engine) as session:
        arrivals.arrived(session, inspection_id, arrived)
        return arrivals.stored_or_refused(session, inspection_id, placed)
