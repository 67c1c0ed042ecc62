"""The gate before a model version serves: compared with the active one, by one trainer, under a lease.

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
from wallscan.domain.lifecycle import COMPARISON_ENDED, MAX_ATTEMPTS, ActivationKind, ComparisonState
from wallscan.jobs.messages import CompareModel
from wallscan.records import activations, benchmarks, models
from wallscan.records.claimed import DatasetFile, Version, version
from wallscan.records.model_tables import ModelComparison
from wallscan.records.training_tables import Dataset
from wallscan.wire.models import ActivationOrder, Comparison, Measured

_OPEN = (ComparisonState.QUEUED, ComparisonState.RUNNING)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out a comparison until the lease ends, and what it is about.

    `dataset` is the benchmark; None means rendered walls.
    """

    id: uuid.UUID
    attempt: int
    model: Version
    active: Version
    dataset: DatasetFile | None


def order(session: Session, model_id: uuid.UUID, wanted: ActivationOrder, key_name: str) -> bool:
    """Ask for a version to serve: true where it does now, false where it is being compared first.

    It serves at once where no other does, by force, and where it stood the comparison with the active one
    before. Raises WallscanError `model_unknown`, `model_not_ready`, `model_active_changed`, or
    `model_gate_refused` where that comparison was made and lost: it would come out the same.
    """
    activations.lock(session)
    activations.require_active(session, wanted.expected_active_id)
    row, now = models.ready(session, model_id), activations.active(session)
    if now is None or now.id == row.id:
        activations.activate(session, row.id, ActivationKind.FIRST, key_name=key_name, reason=wanted.reason)
        return True
    dataset_id = benchmarks.dataset_id(session)
    latest = _latest(session, row.id, now.id, dataset_id)
    if wanted.force or (latest is not None and latest.state is ComparisonState.PASSED):
        activations.activate(
            session,
            row.id,
            ActivationKind.FORCED if wanted.force else ActivationKind.GATE,
            key_name=key_name,
            reason=wanted.reason,
            comparison_id=None if latest is None else latest.id,
        )
        return True
    if latest is not None and latest.state is ComparisonState.REFUSED:
        raise WallscanError(Code.MODEL_GATE_REFUSED, latest.detail or "it came out worse")
    _queue(session, row.id, now.id, dataset_id, key_name)
    return False


def latest(session: Session, model_id: uuid.UUID) -> Comparison | None:
    """The latest comparison of a version."""
    row = session.scalars(
        select(ModelComparison)
        .where(ModelComparison.model_id == model_id)
        .order_by(ModelComparison.created_at.desc())
        .limit(1)
    ).first()
    return None if row is None else Comparison.model_validate(row, from_attributes=True)


def claim(session: Session, comparison_id: uuid.UUID, lease_s: float) -> Claim | None:
    """Claim a comparison that is queued or whose lease ran out, for `lease_s` seconds; None otherwise.

    One that ended its process `MAX_ATTEMPTS` times is failed with `attempts_exhausted`.
    """
    free = and_(ModelComparison.id == comparison_id, _free())
    attempt = session.scalar(
        update(ModelComparison)
        .where(free, ModelComparison.attempt < MAX_ATTEMPTS)
        .values(
            state=ComparisonState.RUNNING,
            attempt=ModelComparison.attempt + 1,
            lease_until=_in(lease_s),
            sent_at=None,  # once the lease runs out, nobody waits for a message that was sent before
        )
        .returning(ModelComparison.attempt)
    )
    if attempt is None:
        spent = ModelComparison.attempt >= MAX_ATTEMPTS  # said again: it may have been put back since
        _end(
            session,
            and_(free, spent),
            ComparisonState.FAILED,
            code=Code.ATTEMPTS_EXHAUSTED,
            detail=f"the comparison ended its process {MAX_ATTEMPTS} times",
        )
        return None
    row = session.get_one(ModelComparison, comparison_id)
    return Claim(
        comparison_id,
        attempt,
        version(session, row.model_id),
        version(session, row.active_id),
        _dataset(session, row.dataset_id),
    )


def extend(session: Session, held: Claim, lease_s: float) -> bool:
    """Hold a claim for another `lease_s` seconds from now; false where it was lost."""
    kept = session.execute(
        update(ModelComparison)
        .where(_held(held))
        .values(lease_until=_in(lease_s))
        .returning(ModelComparison.id)
    )
    return kept.first() is not None


def release(session: Session, held: Claim) -> None:
    """Give a claim and its attempt back: a server did not answer, no model was at fault.

    The comparison waits like one whose message was sent now.
    """
    session.execute(
        update(ModelComparison)
        .where(_held(held))
        .values(
            state=ComparisonState.QUEUED,
            attempt=ModelComparison.attempt - 1,
            lease_until=None,
            sent_at=func.now(),
        )
    )


def fail(session: Session, held: Claim, error: WallscanError) -> bool:
    """End a comparison that came to nothing; false where the claim was lost."""
    return _end(session, _held(held), ComparisonState.FAILED, code=error.code, detail=error.detail)


def finish(session: Session, held: Claim, measured: Measured, refusal: str | None) -> bool:
    """End a comparison with its numbers; false, and nothing written, where the claim was lost.

    Without a refusal the version becomes active, unless another one did since it was asked for: then what
    was measured says nothing about what would be replaced, and it fails with `model_active_changed`.
    """
    activations.lock(session)
    row = session.get_one(ModelComparison, held.id)
    now = activations.active(session)
    numbers = measured.model_dump(mode="json")
    if refusal is not None:
        state, values = ComparisonState.REFUSED, {"code": Code.MODEL_GATE_REFUSED, "detail": refusal}
    elif now is None or now.id != row.active_id:
        detail = "it passed, but another version became active meanwhile: ask again to compare with that one"
        state, values = ComparisonState.FAILED, {"code": Code.MODEL_ACTIVE_CHANGED, "detail": detail}
    else:
        state, values = ComparisonState.PASSED, {}
    ended = _end(session, _held(held), state, numbers=numbers, **values)
    if ended and state is ComparisonState.PASSED:
        activations.activate(
            session, row.model_id, ActivationKind.GATE, key_name=row.key_name, comparison_id=row.id
        )
    return ended


def due(session: Session, resend_s: float) -> list[CompareModel]:
    """Messages of comparisons that nobody works on, never sent or last more than `resend_s` seconds ago."""
    long_ago = func.now() - dt.timedelta(seconds=resend_s)
    unheard = or_(ModelComparison.sent_at.is_(None), ModelComparison.sent_at < long_ago)
    found = session.scalars(select(ModelComparison.id).where(_free(), unheard))
    return [CompareModel(comparison_id=comparison_id) for comparison_id in found]


def queued(session: Session, model_id: uuid.UUID) -> list[CompareModel]:
    """The message of a version's comparison that waits."""
    waits = and_(ModelComparison.model_id == model_id, ModelComparison.state == ComparisonState.QUEUED)
    return [
        CompareModel(comparison_id=one) for one in session.scalars(select(ModelComparison.id).where(waits))
    ]


def mark_sent(session: Session, messages: Sequence[CompareModel]) -> None:
    """Remember that these messages went out; call it after they did."""
    ids = [message.comparison_id for message in messages]
    waits = and_(ModelComparison.id.in_(ids), _free())
    session.execute(update(ModelComparison).where(waits).values(sent_at=func.now()))


def _latest(
    session: Session, model_id: uuid.UUID, active_id: uuid.UUID, dataset_id: uuid.UUID | None
) -> ModelComparison | None:
    """The latest comparison of the two on this benchmark that came to an outcome, which is for good."""
    return session.scalars(
        select(ModelComparison)
        .where(
            ModelComparison.model_id == model_id,
            ModelComparison.active_id == active_id,
            ModelComparison.dataset_id.is_not_distinct_from(dataset_id),
            ModelComparison.state.in_((ComparisonState.PASSED, ComparisonState.REFUSED)),
        )
        .order_by(ModelComparison.created_at.desc())
        .limit(1)
    ).first()


def _queue(
    session: Session,
    model_id: uuid.UUID,
    active_id: uuid.UUID,
    dataset_id: uuid.UUID | None,
    key_name: str,
) -> None:
    """One comparison of a version at a time; one that waits or runs already is the one."""
    still_open = select(ModelComparison.id).where(
        ModelComparison.model_id == model_id, ModelComparison.state.in_(_OPEN)
    )
    if session.scalar(still_open) is None:
        session.add(
            ModelComparison(model_id=model_id, active_id=active_id, dataset_id=dataset_id, key_name=key_name)
        )
        session.flush()


def _dataset(session: Session, dataset_id: uuid.UUID | None) -> DatasetFile | None:
    if dataset_id is None:
        return None
    row = session.get_one(Dataset, dataset_id)
    return DatasetFile(row.id, row.name, row.sha256)


def _end(session: Session, where: ColumnElement[bool], state: ComparisonState, **values: object) -> bool:
    ended = session.execute(
        update(ModelComparison)
        .where(where, ModelComparison.state.not_in(COMPARISON_ENDED))
        .values(state=state, lease_until=None, ended_at=func.clock_timestamp(), **values)
        .returning(ModelComparison.id)
    )
    return ended.first() is not None


def _free() -> ColumnElement[bool]:
    ran_out = and_(ModelComparison.state == ComparisonState.RUNNING, ModelComparison.lease_until < func.now())
    return or_(ModelComparison.state == ComparisonState.QUEUED, ran_out)


def _held(held: Claim) -> ColumnElement[bool]:
    return and_(
        ModelComparison.id == held.id,
        ModelComparison.attempt == held.attempt,
        ModelComparison.state == ComparisonState.RUNNING,
    )


def _in(seconds: float) -> ColumnElement[dt.datetime]:
    return func.now() + dt.timedelta(seconds=seconds)
