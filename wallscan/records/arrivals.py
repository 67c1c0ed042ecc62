"""Photos whose bytes came, or did not: what is awaited becomes stored, or is given up as not uploaded.

Within one inspection all paths with the same bytes share one fate, and one object in storage: that of the
photo which the others are links to (`duplicate_of_id`). What was given up is taken back when its bytes come
after all.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ARRAY, ColumnElement, Row, Uuid, and_, any_, func, literal, null, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import PhotoState
from wallscan.records import inspections
from wallscan.records.intake import Placed, Refusal
from wallscan.records.tables import Photo

_Row = Row[uuid.UUID, str | None, bool, bool, dt.datetime]
"""`id`, `sha256`, `waits`, `is_link` and `created_at` of a photo."""


def arrived(session: Session, inspection_id: uuid.UUID, photo_ids: Collection[uuid.UUID]) -> None:
    """Mark photos as stored whose bytes are in storage, and every other path with the same bytes.

    One that is gone, because its path was given to other bytes, is passed over. Raises WallscanError
    `inspection_unknown`.
    """
    inspections.lock(session, inspection_id)
    alike = _alike(session, inspection_id, photo_ids)
    originals = _originals(alike, photo_ids)
    waiting = [row for row in alike if row.waits and row.sha256 in originals]
    of = {row.id: originals[row.sha256] for row in waiting if row.id != originals[row.sha256]}
    link = func.unnest(literal(list(of), ARRAY(Uuid)), literal(list(of.values()), ARRAY(Uuid)))
    links = link.table_valued("id", "original_id").render_derived(name="links")
    came = _among(Photo.id, [row.id for row in waiting if row.id not in of])
    for of_these, original_id in ((came, null()), (Photo.id == links.c.id, links.c.original_id)):
        session.execute(
            update(Photo)
            .where(of_these)
            .values(state=PhotoState.STORED, code=None, detail=None, duplicate_of_id=original_id)
            .execution_options(synchronize_session=False)  # nobody holds photos here, and there may be many
        )


def stored(
    session: Session, inspection_id: uuid.UUID, photo_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Those of the photos that are stored."""
    is_stored = and_(Photo.inspection_id == inspection_id, Photo.state == PhotoState.STORED)
    return frozenset(session.scalars(select(Photo.id).where(is_stored, _among(Photo.id, photo_ids))))


def stored_or_refused(session: Session, inspection_id: uuid.UUID, placed: Sequence[Placed]) -> list[Placed]:
    """Placed files whose bytes have `arrived`: refused where a path was given to other bytes meanwhile.

    It may be their own, or that of the photo which they are a copy of.
    """
    ids = {place.photo_id for place in placed if place.photo_id is not None}
    known = select(Photo.id, Photo.state).where(Photo.inspection_id == inspection_id, _among(Photo.id, ids))
    states = {row.id: row.state for row in session.execute(known)}
    return [
        place
        if place.refusal is not None
        or place.photo_id is None
        or states.get(place.photo_id) == PhotoState.STORED
        else _lost(place.photo_id if place.photo_id in states else None)
        for place in placed
    ]


def _lost(copy_id: uuid.UUID | None) -> Placed:
    """What lost its path has no row any more; a copy of that has one."""
    if copy_id is None:
        detail = "another file took the path while these bytes were being stored"
        return Placed("rejected", refusal=Refusal(Code.PATH_CONFLICT, detail))
    detail = "another file took the path of the photo with the same bytes while these were being stored"
    return Placed("rejected", photo_id=copy_id, refusal=Refusal(Code.PHOTO_NOT_UPLOADED, detail))


def awaited(session: Session, inspection_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The photos whose bytes may have come unseen: announced, or given up; links are left out."""
    waits = and_(_waits(inspection_id), Photo.duplicate_of_id.is_(None))
    return frozenset(session.scalars(select(Photo.id).where(waits)))


def settle(
    session: Session,
    inspection_id: uuid.UUID,
    waited: frozenset[uuid.UUID],
    found: frozenset[uuid.UUID],
) -> None:
    """Decide about awaited photos: those found in storage are stored, the others given up as not uploaded.

    `waited` was read (`awaited`) before storage was listed, so a photo announced since is left alone.
    """
    arrived(session, inspection_id, waited & found)
    lost = waited - found
    session.execute(
        update(Photo)
        .where(
            Photo.inspection_id == inspection_id,
            Photo.state == PhotoState.EXPECTED,
            or_(_among(Photo.id, lost), _among(Photo.duplicate_of_id, lost)),
        )
        .values(
            state=PhotoState.REJECTED,
            code=Code.PHOTO_NOT_UPLOADED,
            detail="announced, but its bytes had not arrived when the inspection was submitted",
            duplicate_of_id=None,
        )
    )


def _waits(inspection_id: uuid.UUID) -> ColumnElement[bool]:
    """Announced, or given up."""
    waits = or_(Photo.state == PhotoState.EXPECTED, Photo.code == Code.PHOTO_NOT_UPLOADED)
    return and_(Photo.inspection_id == inspection_id, waits)


def _alike(session: Session, inspection_id: uuid.UUID, photo_ids: Collection[uuid.UUID]) -> Sequence[_Row]:
    """All that wait, or are stored under their own id, and have the bytes of one of the photos that waits.

    In two steps, by arrays: of many photos that just came in the planner knows nothing, and in one it would
    compare each with each.
    """
    waits = _waits(inspection_id)
    hashes = session.scalars(select(Photo.sha256).where(waits, _among(Photo.id, photo_ids)).distinct()).all()
    there = and_(Photo.state == PhotoState.STORED, Photo.duplicate_of_id.is_(None))
    return session.execute(
        select(
            Photo.id,
            Photo.sha256,
            (Photo.state != PhotoState.STORED).label("waits"),
            Photo.duplicate_of_id.is_not(None).label("is_link"),
            Photo.created_at,
        ).where(
            Photo.inspection_id == inspection_id,
            Photo.sha256 == any_(literal(hashes, ARRAY(Photo.sha256.type))),
            or_(waits, there),
        )
    ).all()


def _originals(alike: Sequence[_Row], photo_ids: Collection[uuid.UUID]) -> Mapping[str | None, uuid.UUID]:
    """For each hash that arrived, the photo under whose id its bytes are.

    It is the one that was stored before, or else one of those that arrived. One that is merely expected is
    none, although the others are links to it so far: it may never come.
    """
    came = frozenset(photo_ids)
    able = [row for row in alike if not row.waits or row.id in came]
    best_last = sorted(able, key=lambda row: (row.waits, row.is_link, row.created_at, row.id), reverse=True)
    return {row.sha256: row.id for row in best_last}


def _among(
    column: InstrumentedAttribute[uuid.UUID] | InstrumentedAttribute[uuid.UUID | None],
    ids: Collection[uuid.UUID],
) -> ColumnElement[bool]:
    """One array instead of a parameter an id: the protocol ends at 65,535 parameters."""
    return column == any_(literal(list(ids), ARRAY(Uuid)))
