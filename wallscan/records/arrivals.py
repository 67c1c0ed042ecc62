"""Photos whose bytes came, or did not: what is awaited becomes stored, or is given up as not uploaded.

Within one inspection all paths with the same bytes share one fate, and one object in storage: that of the
photo which the others are links to (`duplicate_of_id`). What was given up is taken back when its bytes come
after all.
"""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, ColumnElement, Subquery, Uuid, and_, any_, func, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import PhotoState
from wallscan.records import inspections
from wallscan.records.intake import Placed, Refusal
from wallscan.records.tables import Photo


def arrived(session: Session, inspection_id: uuid.UUID, photo_ids: Collection[uuid.UUID]) -> None:
    """Mark photos as stored whose bytes are in storage, and every other path with the same bytes.

    One that is gone, because its path was given to other bytes, is passed over. Raises WallscanError
    `inspection_unknown`.
    """
    inspections.lock(session, inspection_id)
    original = _originals(inspection_id, photo_ids)
    session.execute(
        update(Photo)
        .where(_waits(inspection_id), Photo.sha256 == original.c.sha256)
        .values(
            state=PhotoState.STORED,
            code=None,
            detail=None,
            duplicate_of_id=func.nullif(original.c.id, Photo.id),
        )
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


def _originals(inspection_id: uuid.UUID, photo_ids: Collection[uuid.UUID]) -> Subquery:
    """For each hash that arrived, the photo under whose id its bytes are.

    It is the one that was stored before, or else one of those that arrived. One that is merely expected is
    none, although the others are links to it so far: it may never come.
    """
    came = and_(_waits(inspection_id), _among(Photo.id, photo_ids))
    # Said of both kinds, so that it is looked for by hash and not among all photos of the inspection.
    alike = and_(
        Photo.inspection_id == inspection_id,
        Photo.sha256.in_(select(Photo.sha256).where(came).correlate(None)),
    )
    there = and_(Photo.state == PhotoState.STORED, Photo.duplicate_of_id.is_(None))
    stored_first, own_first = (Photo.state == PhotoState.STORED).desc(), Photo.duplicate_of_id.is_not(None)
    best = func.first_value(Photo.id).over(
        partition_by=Photo.sha256, order_by=(stored_first, own_first, Photo.created_at, Photo.id)
    )
    return (
        select(Photo.sha256, best.label("id")).where(alike, or_(there, came)).distinct().subquery("original")
    )


def _among(
    column: InstrumentedAttribute[uuid.UUID] | InstrumentedAttribute[uuid.UUID | None],
    ids: Collection[uuid.UUID],
) -> ColumnElement[bool]:
    """One array instead of a parameter an id: the protocol ends at 65,535 parameters."""
    return column == any_(literal(list(ids), ARRAY(Uuid)))
