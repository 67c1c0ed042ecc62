"""Archives handed in: queued, and read back with what became of their entries."""

import uuid

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.lifecycle import ArchiveState, PhotoState
from wallscan.records import tables
from wallscan.records.sites import SiteIds, visible
from wallscan.records.tables import Inspection, Photo
from wallscan.wire.uploads import Archive, FirstError

_FIRST_ERRORS = 10


def queue(
    session: Session, archive_id: uuid.UUID, inspection_id: uuid.UUID, file_name: str, size_bytes: int
) -> Archive:
    """Queue an archive whose bytes are in storage; its message is sent after the commit."""
    row = tables.Archive(
        id=archive_id,
        inspection_id=inspection_id,
        file_name=file_name,
        size_bytes=size_bytes,
        state=ArchiveState.QUEUED,
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return _body(session, row)


def get(session: Session, sites: SiteIds, archive_id: uuid.UUID) -> Archive:
    """One archive. Raises WallscanError `archive_unknown`."""
    found = session.scalar(
        select(tables.Archive)
        .join(Inspection, Inspection.id == tables.Archive.inspection_id)
        .where(tables.Archive.id == archive_id, visible(Inspection.site_id, sites))
    )
    if found is None:
        raise WallscanError(Code.ARCHIVE_UNKNOWN, f"there is no archive {archive_id}")
    return _body(session, found)


def _body(session: Session, row: tables.Archive) -> Archive:
    stored = Photo.state == PhotoState.STORED
    linked = Photo.duplicate_of_id.is_not(None)
    counts = session.execute(
        select(
            _count(and_(stored, ~linked)).label("stored"),
            _count(and_(stored, linked)).label("duplicate"),
            _count(Photo.state == PhotoState.REJECTED).label("rejected"),
        ).where(Photo.archive_id == row.id)
    ).one()
    return Archive(
        id=row.id,
        inspection_id=row.inspection_id,
        file_name=row.file_name,
        state=row.state,
        percent=_percent(row),
        entries_total=row.entries_total,
        entries_done=row.entries_done,
        stored=counts.stored,
        duplicate=counts.duplicate,
        rejected=counts.rejected,
        ignored=row.ignored_entries,
        errors=_first_errors(session, row.id),
        code=row.code,
        detail=row.detail,
        created_at=row.created_at,
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _percent(row: tables.Archive) -> float:
    if row.state is ArchiveState.SUCCEEDED:
        return 100.0
    return round(100.0 * row.entries_done / row.entries_total, 2) if row.entries_total else 0.0


def _first_errors(session: Session, archive_id: uuid.UUID) -> list[FirstError]:
    rows = session.execute(
        select(Photo.id, Photo.path, Photo.code, Photo.detail)
        .where(Photo.archive_id == archive_id, Photo.state == PhotoState.REJECTED)
        .order_by(Photo.created_at, Photo.path)
        .limit(_FIRST_ERRORS)
    )
    return [
        FirstError(photo_id=row.id, path=row.path, code=row.code or "", detail=row.detail) for row in rows
    ]
