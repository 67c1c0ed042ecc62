"""Checks of model versions that were handed in: put up, then carried out by one trainer, under a lease.

A message only rings; what happens is decided here. `attempt` is the fencing token, as in `records.tasks`.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.lifecycle import MAX_ATTEMPTS, ModelState
from wallscan.jobs.messages import CheckModel
from wallscan.records import models
from wallscan.records.model_tables import ModelVersion
from wallscan.wire.models import Model


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to check a model version until the lease ends."""

    model: Model
    attempt: int


def put_up(session: Session, model_id: uuid.UUID) -> Model:
    """Put a model up for checking, anew if it is being checked; one that is ready stays so.

    Its message is sent after the commit where the answer is `checking`. Raises WallscanError
    `model_unknown`.
    """
    session.execute(
        update(ModelVersion)
        .where(ModelVersion.id == model_id, ModelVersion.state != ModelState.READY)
        .values(
            state=ModelState.CHECKING,
            code=None,
            detail=None,
            sent_at=None,
            lease_until=None,
            attempt=ModelVersion.attempt + 1,  # whoever checks it now looks at what was there before
            tries=0,
        )
    )
    return models.get(session, model_id)


def claim(session: Session, model_id: uuid.UUID, lease_s: float) -> Claim | None:
    """Claim a check that waits or whose lease ran out, for `lease_s` seconds; None where there is none.

    A model that ended its process `MAX_ATTEMPTS` times is rejected with `attempts_exhausted`. Raises
    WallscanError `model_unknown`.
    """
    model = models.get(session, model_id)
    free = and_(ModelVersion.id == model_id, _free())
    attempt = session.scalar(
        update(ModelVersion)
        .where(free, ModelVersion.tries < MAX_ATTEMPTS)
        .values(
            attempt=ModelVersion.attempt + 1,
            tries=ModelVersion.tries + 1,
            lease_until=_in(lease_s),
            sent_at=None,  # once the lease runs out, nobody waits for a message that was sent before
        )
        .returning(ModelVersion.attempt)
    )
    if attempt is not None:
        return Claim(model, attempt)
    session.execute(
        update(ModelVersion)
        .where(free, ModelVersion.tries >= MAX_ATTEMPTS)
        .values(
            state=ModelState.REJECTED,
            code=Code.ATTEMPTS_EXHAUSTED,
            detail=f"the model ended the process that checked it {MAX_ATTEMPTS} times",
            lease_until=None,
        )
    )
    return None


def extend(session: Session, held: Claim, lease_s: float) -> bool:
    """Hold a claim for another `lease_s` seconds from now; false where it was lost."""
    return _update_held(session, held, lease_until=_in(lease_s))


def release(session: Session, held: Claim) -> bool:
    """Give a claim and its try back: a server did not answer, the model was not at fault.

    The check waits like one whose message was sent now. False where the claim was lost.
    """
    return _update_held(session, held, tries=ModelVersion.tries - 1, lease_until=None, sent_at=func.now())


def finish(session: Session, held: Claim, refusal: WallscanError | None) -> bool:
    """End a check: ready, or rejected with the refusal's code; false where the claim was lost."""
    return _update_held(
        session,
        held,
        state=ModelState.REJECTED if refusal else ModelState.READY,
        code=refusal.code if refusal else None,
        detail=refusal.detail if refusal else None,
        lease_until=None,
    )


def due(session: Session, resend_s: float) -> list[CheckModel]:
    """Messages of checks that nobody works on, never sent or last more than `resend_s` seconds ago."""
    long_ago = func.now() - dt.timedelta(seconds=resend_s)
    unheard = or_(ModelVersion.sent_at.is_(None), ModelVersion.sent_at < long_ago)
    found = session.scalars(select(ModelVersion.id).where(_free(), unheard))
    return [CheckModel(model_id=model_id) for model_id in found]


def mark_sent(session: Session, messages: Sequence[CheckModel]) -> None:
    """Remember that these messages went out; call it after they did."""
    ids = [message.model_id for message in messages]
    session.execute(update(ModelVersion).where(ModelVersion.id.in_(ids), _free()).values(sent_at=func.now()))


def _free() -> ColumnElement[bool]:
    unclaimed = or_(ModelVersion.lease_until.is_(None), ModelVersion.lease_until < func.now())
    return and_(ModelVersion.state == ModelState.CHECKING, unclaimed)


def _update_held(session: Session, held: Claim, **values: object) -> bool:
    its_own = and_(ModelVersion.id == held.model.id, ModelVersion.attempt == held.attempt)
    changed = session.execute(
        update(ModelVersion)
        .where(its_own, ModelVersion.state == ModelState.CHECKING)
        .values(values)
        .returning(ModelVersion.id)
    )
    return changed.first() is not None


def _in(seconds: float) -> ColumnElement[dt.datetime]:
    return func.now() + dt.timedelta(seconds=seconds)
