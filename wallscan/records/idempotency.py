"""Answers remembered under an `Idempotency-Key`, so that a repeated request is not carried out twice."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.records.access import RememberedAnswer

REMEMBERED_S = 24 * 3600
"""How long an answer is given again, in seconds."""

UNDER_WAY_S = 300
"""A first request not heard of for so many seconds (see `extend`) has died; its key is free again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went out; `headers` are names and values by turns."""

    status: int
    headers: Sequence[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to carry out the first request of a key; `request_sha256` is hex."""

    key_id: uuid.UUID
    idempotency_key: str
    request_sha256: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that was begun; `created_at` is the fencing token, for a frozen one may lose its key."""

    ticket: Ticket
    created_at: dt.datetime


def begin(session: Session, ticket: Ticket) -> Begun | Answer:
    """Claim a key for this request where it is the first; else the answer to give again.

    Raises WallscanError `idempotency_key_reused` (it was another request) or `idempotency_key_in_use`
    (the first one is still under way).
    """
    values = {
        "key_id": ticket.key_id,
        "idempotency_key": ticket.idempotency_key,
        "request_sha256": ticket.request_sha256,
        "headers": [],
        "alive_until": _lease_end(),
    }
    fresh = values | {"status": None, "body": None, "created_at": func.now()}
    created_at = session.scalar(
        insert(RememberedAnswer)
        .values(values)
        .on_conflict_do_update(
            index_elements=[RememberedAnswer.key_id, RememberedAnswer.idempotency_key],
            set_=fresh,
            where=_stale(),
        )
        .returning(RememberedAnswer.created_at)
    )
    return _known(session, ticket) if created_at is None else Begun(ticket, created_at)


def extend(session: Session, begun: Begun) -> bool:
    """Hold a key for another `UNDER_WAY_S` seconds from now; false where it was answered or begun anew."""
    kept = session.execute(
        update(RememberedAnswer)
        .where(_under_way(begun))
        .values(alive_until=_lease_end())
        .returning(RememberedAnswer.key_id)
    )
    return kept.first() is not None


def remember(session: Session, begun: Begun, answer: Answer) -> None:
    """Keep the answer of a request, unless its key has been begun anew since."""
    session.execute(
        update(RememberedAnswer)
        .where(_under_way(begun))
        .values(status=answer.status, headers=list(answer.headers), body=answer.body)
    )


def release(session: Session, begun: Begun) -> None:
    """Free the key of a request that failed through no fault of its own: it may be tried again."""
    session.execute(delete(RememberedAnswer).where(_under_way(begun)))


def forget(session: Session) -> None:
    """Remove all answers that are not given again any more."""
    session.execute(delete(RememberedAnswer).where(_stale()))


def _known(session: Session, ticket: Ticket) -> Answer:
    row = session.scalars(select(RememberedAnswer).where(_of(ticket))).one()
    if row.request_sha256 != ticket.request_sha256:
        raise WallscanError(Code.IDEMPOTENCY_KEY_REUSED, "this Idempotency-Key was used for another request")
    if row.status is None:
        raise WallscanError(
            Code.IDEMPOTENCY_KEY_IN_USE, "the first request with this Idempotency-Key is still under way"
        )
    return Answer(row.status, row.headers, row.body or b"")


def _of(ticket: Ticket) -> ColumnElement[bool]:
    return and_(
        RememberedAnswer.key_id == ticket.key_id,
        RememberedAnswer.idempotency_key == ticket.idempotency_key,
    )


def _under_way(begun: Begun) -> ColumnElement[bool]:
    its_own = RememberedAnswer.created_at == begun.created_at
    return and_(_of(begun.ticket), RememberedAnswer.status.is_(None), its_own)


def _lease_end() -> ColumnElement[dt.datetime]:
    return func.now() + dt.timedelta(seconds=UNDER_WAY_S)


def _stale() -> ColumnElement[bool]:
    # An API of before the lease writes none; it may still serve while the database has moved on.
    alive_until = func.coalesce(
        RememberedAnswer.alive_until, RememberedAnswer.created_at + dt.timedelta(seconds=UNDER_WAY_S)
    )
    return or_(
        RememberedAnswer.created_at < func.now() - dt.timedelta(seconds=REMEMBERED_S),
        and_(RememberedAnswer.status.is_(None), alive_until < func.now()),
    )
