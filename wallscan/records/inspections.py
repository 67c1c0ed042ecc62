"""Inspections: opened, listed newest first, with their photos counted."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, and_, func, select, tuple_
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import RunError, WallscanError
from wallscan.domain.lifecycle import PhotoState
from wallscan.records import tables
from wallscan.records.sites import SiteIds, visible
from wallscan.records.tables import Photo
from wallscan.wire.places import Inspection, PhotoCounts

After = tuple[dt.datetime, uuid.UUID]
"""Where a page begins: after the row of this time and id."""


def create(session: Session, site_id: uuid.UUID, name: str | None) -> Inspection:
    """Open an inspection, named by today's date (UTC) where no name is given."""
    row = tables.Inspection(site_id=site_id, name=name or f"{dt.datetime.now(dt.UTC):%Y-%m-%d}")
    session.add(row)
    session.flush()
    session.refresh(row)
    return _bodies(session, [row])[0]


def get(session: Session, sites: SiteIds, inspection_id: uuid.UUID) -> Inspection:
    """One inspection. Raises WallscanError `inspection_unknown`."""
    return _bodies(session, [_row(session, _visible(sites, inspection_id), inspection_id)])[0]


def site_of(session: Session, sites: SiteIds, inspection_id: uuid.UUID) -> uuid.UUID:
    """The site of an inspection. Raises WallscanError `inspection_unknown`."""
    return _row(session, _visible(sites, inspection_id), inspection_id).site_id


def run_prompts(session: Session, sites: SiteIds, run_id: uuid.UUID) -> list[str]:
    """The prompts of a run that the caller may see. Raises RunError `run_unknown`."""
    prompts = session.scalar(
        select(tables.Run.prompts)
        .join(tables.Inspection, tables.Inspection.id == tables.Run.inspection_id)
        .where(tables.Run.id == run_id, visible(tables.Inspection.site_id, sites))
    )
    if prompts is None:
        raise RunError(Code.RUN_UNKNOWN, f"there is no run {run_id}")
    return prompts


def lock(session: Session, inspection_id: uuid.UUID) -> uuid.UUID:
    """Hold an inspection's photos to the end of the transaction, and return its site.

    Who adds photos, settles them or submits a run takes this lock first, so that two requests with the
    same bytes agree on which is the original. Raises WallscanError `inspection_unknown`.
    """
    statement = _visible(None, inspection_id).with_for_update(key_share=True)
    return _row(session, statement, inspection_id).site_id


def page(session: Session, site_id: uuid.UUID, after: After | None, limit: int) -> list[Inspection]:
    """Up to `limit` inspections of a site, newest first."""
    place = tuple_(tables.Inspection.created_at, tables.Inspection.id)
    statement = select(tables.Inspection).where(tables.Inspection.site_id == site_id)
    if after is not None:
        statement = statement.where(place < after)
    newest = statement.order_by(tables.Inspection.created_at.desc(), tables.Inspection.id.desc())
    return _bodies(session, session.scalars(newest.limit(limit)).all())


def _visible(sites: SiteIds, inspection_id: uuid.UUID) -> Select[tables.Inspection]:
    return select(tables.Inspection).where(
        tables.Inspection.id == inspection_id, visible(tables.Inspection.site_id, sites)
    )


def _row(
    session: Session, statement: Select[tables.Inspection], inspection_id: uuid.UUID
) -> tables.Inspection:
    found = session.scalar(statement)
    if found is None:
        raise WallscanError(Code.INSPECTION_UNKNOWN, f"there is no inspection {inspection_id}")
    return found


def _bodies(session: Session, rows: Collection[tables.Inspection]) -> list[Inspection]:
    counts = _photo_counts(session, [row.id for row in rows])
    return [
        Inspection(
            id=row.id,
            site_id=row.site_id,
            name=row.name,
            active_run_id=row.active_run_id,
            created_at=row.created_at,
            photos=counts.get(row.id, PhotoCounts()),
        )
        for row in rows
    ]


def _photo_counts(session: Session, inspection_ids: list[uuid.UUID]) -> dict[uuid.UUID, PhotoCounts]:
    stored = Photo.state == PhotoState.STORED
    linked = Photo.duplicate_of_id.is_not(None)
    columns: dict[str, Any] = {
        "expected": func.count().filter(Photo.state == PhotoState.EXPECTED),
        "stored": func.count().filter(and_(stored, ~linked)),
        "rejected": func.count().filter(Photo.state == PhotoState.REJECTED),
        "duplicate": func.count().filter(and_(stored, linked)),
    }
    statement = (
        select(Photo.inspection_id, *(column.label(name) for name, column in columns.items()))
        .where(Photo.inspection_id.in_(inspection_ids))
        .group_by(Photo.inspection_id)
    )
    return {
        row.inspection_id: PhotoCounts.model_validate(row, from_attributes=True)
        for row in session.execute(statement)
    }
