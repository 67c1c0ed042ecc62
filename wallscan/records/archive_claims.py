"""Archives: who unpacks which, under a lease, as in `records.tasks`.

`attempt` is the fencing token and the count of tries in one. It shrinks in `release` alone, which its
holder calls as its last word: whoever held the same number before has ended by then.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import MAX_ATTEMPTS, ArchiveState
from wallscan.jobs.messages import UnpackArchive
from wallscan.records.tables import Archive


@dataclass(frozen=True, slots=True)
class ArchiveClaim:
    """The right to unpack an archive until the lease ends."""

    archive_id: uuid.UUID
    inspection_id: uuid.UUID
    attempt: int


def claim(session: Session, archive_id: uuid.UUID, lease_s: float) -> ArchiveClaim | None:
    """Claim an archive that is queued or whose lease ran out; None where there is nothing to do.

    An archive that ended its worker `MAX_ATTEMPTS` times is failed with `attempts_exhausted`.
    """
    free = and_(Archive.id == archive_id, or_(Archive.state == ArchiveState.QUEUED, _lease_ran_out()))
    taken = session.execute(
        update(Archive)
        .where(free, Archive.attempt < MAX_ATTEMPTS)
        .values(
            state=ArchiveState.RUNNING,
            attempt=Archive.attempt + 1,
            lease_until=_until(lease_s),
            entries_done=0,
            ignored_entries=0,
        )
        .returning(Archive.inspection_id, Archive.attempt)
    ).first()
    if taken is None:
        spent = Archive.attempt >= MAX_ATTEMPTS  # said again: it may have been put back since
        session.execute(update(Archive).where(free, spent).values(_exhausted()))
        return None
    return ArchiveClaim(archive_id, taken.inspection_id, taken.attempt)


def extend(session: Session, claim: ArchiveClaim, lease_s: float) -> bool:
    """Hold a claim for another `lease_s` seconds from now; false where it was lost."""
    return _update_held(session, claim, lease_until=_until(lease_s))


def advance(session: Session, claim: ArchiveClaim, *, total: int, done: int, ignored: int) -> bool:
    """Record how far the unpacking has come; false where the claim was lost.

    Call it in the transaction that writes the entries' photos, and roll that back on false.
    """
    return _update_held(session, claim, entries_total=total, entries_done=done, ignored_entries=ignored)


def finish(session: Session, claim: ArchiveClaim) -> bool:
    """End an archive whose entries were all handled; false where the claim was lost."""
    return _update_held(session, claim, state=ArchiveState.SUCCEEDED, lease_until=None)


def fail(session: Session, claim: ArchiveClaim, code: Code, detail: str) -> bool:
    """End an archive that cannot be unpacked; what was stored before stays. False: the claim was lost."""
    return _update_held(session, claim, state=ArchiveState.FAILED, lease_until=None, code=code, detail=detail)


def release(session: Session, claim: ArchiveClaim, *, count_try: bool) -> bool:
    """Put an archive back for another try; without `count_try` the try is given back and waits."""
    return _update_held(
        session,
        claim,
        state=ArchiveState.QUEUED,
        lease_until=None,
        attempt=Archive.attempt if count_try else Archive.attempt - 1,
        sent_at=None if count_try else func.now(),
    )


def requeue_expired(session: Session) -> None:
    """End the claims whose lease ran out: back to the queue, or failed where the tries are used up."""
    session.execute(
        update(Archive).where(_lease_ran_out(), Archive.attempt >= MAX_ATTEMPTS).values(_exhausted())
    )
    session.execute(
        update(Archive)
        .where(_lease_ran_out())
        .values(state=ArchiveState.QUEUED, lease_until=None, sent_at=None)
    )


def due(session: Session, limit: int, resend_s: float) -> list[UnpackArchive]:
    """Messages of queued archives that were never sent, or last more than `resend_s` seconds ago."""
    long_ago = func.now() - dt.timedelta(seconds=resend_s)
    statement = (
        select(Archive.id)
        .where(
            Archive.state == ArchiveState.QUEUED,
            or_(Archive.sent_at.is_(None), Archive.sent_at < long_ago),
        )
        .order_by(Archive.created_at)
        .limit(limit)
    )
    return [UnpackArchive(archive_id=archive_id) for archive_id in session.scalars(statement)]


def mark_sent(session: Session, messages: Sequence[UnpackArchive]) -> None:
    """Remember that these messages went out; call it after they did."""
    ids = [message.archive_id for message in messages]
    session.execute(
        update(Archive)
        .where(Archive.id.in_(ids), Archive.state == ArchiveState.QUEUED)
        .values(sent_at=func.now())
    )


def _update_held(session: Session, claim: ArchiveClaim, **values: object) -> bool:
    held = session.execute(
        update(Archive)
        .where(
            Archive.id == claim.archive_id,
            Archive.attempt == claim.attempt,
            Archive.state == ArchiveState.RUNNING,
        )
        .values(values)
        .returning(Archive.id)
    )
    return held.first() is not None


def _until(lease_s: float) -> ColumnElement[dt.datetime]:
    return func.now() + dt.timedelta(seconds=lease_s)


def _lease_ran_out() -> ColumnElement[bool]:
    return and_(Archive.state == ArchiveState.RUNNING, Archive.lease_until < func.now())


def _exhausted() -> dict[str, Any]:
    return {
        "state": ArchiveState.FAILED,
        "code": Code.ATTEMPTS_EXHAUSTED,
        "detail": f"unpacking ended its worker {MAX_ATTEMPTS} times",
        "lease_until": None,
    }
