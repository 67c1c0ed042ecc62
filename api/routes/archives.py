"""Zip archives: taken here, unpacked by a worker."""

from uuid import UUID, uuid4

from fastapi import APIRouter, BackgroundTasks, Request, Response, UploadFile

from api.auth import Caller
from api.bootstrap import Services as AllServices
from api.context import Services
from api.waiting import IfNoneMatch, Wait, watched
from wallscan.domain.codes import Code
from wallscan.domain.errors import ArchiveError
from wallscan.domain.lifecycle import ArchiveState
from wallscan.jobs.messages import UnpackArchive
from wallscan.jobs.send import send
from wallscan.records import archive_claims, archives, inspections
from wallscan.records.session import snapshot, transaction
from wallscan.storage import keys
from wallscan.wire.uploads import MAX_ARCHIVE_BYTES, Archive

router = APIRouter(tags=["archives"])
_ENDED = frozenset({ArchiveState.SUCCEEDED, ArchiveState.FAILED})
_MAX_NAME_CHARS = 1024


@router.post("/inspections/{inspection_id}/archives", status_code=202)
def upload_archive(
    inspection_id: UUID,
    file: UploadFile,
    services: Services,
    caller: Caller,
    response: Response,
    background: BackgroundTasks,
) -> Archive:
    """Send a zip file of photos; its first folders name the walls. Poll the address in `Location`."""
    size_bytes = file.size or 0
    if size_bytes > MAX_ARCHIVE_BYTES:
        raise ArchiveError(Code.ARCHIVE_TOO_MANY_BYTES, f"an archive has at most {MAX_ARCHIVE_BYTES} bytes")
    with transaction(services.engine) as session:
        inspections.site_of(session, caller.sites, inspection_id)
    archive_id = uuid4()
    services.store.put_stream(keys.archive(archive_id), file.file, "application/zip")
    name = (file.filename or "archive.zip").replace("\x00", "")[:_MAX_NAME_CHARS]
    with transaction(services.engine) as session:
        archive = archives.queue(session, archive_id, inspection_id, name, size_bytes)
    background.add_task(_ring, services, archive_id)
    response.headers["Location"] = f"/v1/archives/{archive_id}"
    response.headers["Retry-After"] = "1"
    return archive


@router.get("/archives/{archive_id}", response_model=Archive)
async def get_archive(
    archive_id: UUID,
    request: Request,
    services: Services,
    caller: Caller,
    wait: Wait = 0,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - read by `watched`, named here for the document
) -> Response:
    """An archive and how far its unpacking has come."""

    def look() -> Archive:
        with snapshot(services.engine) as session:
            return archives.get(session, caller.sites, archive_id)

    return await watched(request, look, _etag, lambda archive: archive.state in _ENDED, wait)


def _etag(archive: Archive) -> str:
    counts = (archive.entries_done, archive.stored, archive.duplicate, archive.rejected)
    return f'W/"{archive.state}-{"-".join(map(str, counts))}"'


def _ring(services: AllServices, archive_id: UUID) -> None:
    message = UnpackArchive(archive_id=archive_id)
    if send(services.celery, [message]):
        with transaction(services.engine) as session:
            archive_claims.mark_sent(session, [message])
