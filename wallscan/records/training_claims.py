"""Trainings: who carries out which, under a lease, and what its trainer writes, as in `records.tasks`.

A message only rings; what happens is decided here. `attempt` is the fencing token: whoever lost the lease
writes nothing. `tries` counts the claims since the latest checkpoint, so that a training which ends its
process at once is given up, and one that gets on survives any number of restarts.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import MAX_ATTEMPTS, TRAINING_ENDED, TrainingState
from wallscan.domain.splits import SplitBy
from wallscan.jobs.messages import RunTraining
from wallscan.records.claimed import DatasetFile, Version, version
from wallscan.records.training_tables import Dataset, Training, TrainingDataset, TrainingEpoch
from wallscan.wire import trainings as wire
from wallscan.wire.data_report import DataReport

EXHAUSTED = f"the training ended its process {MAX_ATTEMPTS} times without getting on"
_TAKEN = (TrainingState.RUNNING, TrainingState.CANCELLING)


@dataclass(frozen=True, slots=True)
class TrainingClaim:
    """The right to carry out a training until the lease ends, and what it is about.

    `recipe` is None until the name was looked up; `checkpoint` is what the latest one was recorded as.
    """

    id: uuid.UUID
    attempt: int
    tries: int
    name: str
    recipe_name: str | None
    recipe: dict[str, Any] | None
    seed: int | None
    split: SplitBy
    classes: dict[str, Any] | None
    licence: str | None
    attribution: Sequence[str]
    base: Version | None
    datasets: Sequence[DatasetFile]
    checkpoint: dict[str, Any] | None

    @property
    def exhausted(self) -> str | None:
        """Why there is no further try at training: all that is left is to publish the best epoch."""
        return EXHAUSTED if self.tries > MAX_ATTEMPTS else None


def claim(session: Session, training_id: uuid.UUID, worker: str, lease_s: float) -> TrainingClaim | None:
    """Claim a training that waits or whose lease ran out, for `lease_s` seconds; None otherwise.

    One that ended its process `MAX_ATTEMPTS` times without a new checkpoint is claimed once more,
    `exhausted`, where the checkpoint says that it has a `best` epoch, else failed with `attempts_exhausted`;
    one to be cancelled that has no checkpoint is cancelled.
    """
    free = select(Training).where(Training.id == training_id, _free())
    row = session.scalar(free.with_for_update())
    if row is None:
        return None
    if row.state is TrainingState.CANCELLING and row.checkpoint is None:
        _end(row, TrainingState.CANCELLED)
        return None
    if row.tries >= MAX_ATTEMPTS + bool((row.checkpoint or {}).get("best")):
        row.code, row.detail = Code.ATTEMPTS_EXHAUSTED, EXHAUSTED
        _end(row, TrainingState.FAILED)
        return None
    if row.state is TrainingState.QUEUED:
        row.state = TrainingState.RUNNING
    row.attempt, row.tries, row.worker = row.attempt + 1, row.tries + 1, worker
    row.lease_until, row.sent_at = _in(lease_s), None
    row.started_at = row.started_at or func.now()
    session.flush()
    return TrainingClaim(
        row.id,
        row.attempt,
        row.tries,
        row.name,
        row.recipe_name,
        row.recipe,
        row.seed,
        row.split,
        row.classes,
        row.licence,
        row.attribution,
        None if row.base_model_id is None else version(session, row.base_model_id),
        _datasets(session, row.id),
        row.checkpoint,
    )


def extend(session: Session, held: TrainingClaim, lease_s: float) -> bool:
    """Hold a claim for another `lease_s` seconds from now; false where it was lost."""
    kept = session.execute(
        update(Training).where(_held(held)).values(lease_until=_in(lease_s)).returning(Training.id)
    )
    return kept.first() is not None


def settle(session: Session, held: TrainingClaim, recipe: Mapping[str, Any]) -> bool:
    """Keep every number of the recipe, so that a later attempt goes on with the same; false: claim lost."""
    return _write(session, held, recipe=dict(recipe))


def data_read(session: Session, held: TrainingClaim, report: DataReport) -> bool:
    """Keep what this attempt found in the data sets, in the place of an earlier one's; false: claim lost.

    Of the rows of `counts`, `bounded` many.
    """
    return _write(session, held, data_report=report.bounded().model_dump(mode="json"))


def advance(
    session: Session,
    held: TrainingClaim,
    epochs: Sequence[wire.TrainingEpoch] = (),
    **progress: float | dict[str, Any] | None,
) -> TrainingState | None:
    """Record `preparation`, `step`, `steps`, `loss` or `eta_s`, and epochs, told again or new.

    The state the row is in; None, and nothing written, where the claim was lost.
    """
    row = _row(session, held)
    if row is None:
        return None
    for name, value in progress.items():
        setattr(row, name, value)
    for epoch in epochs:
        values = epoch.model_dump()
        session.execute(
            insert(TrainingEpoch)
            .values(training_id=held.id, **values)
            .on_conflict_do_update(
                index_elements=[TrainingEpoch.training_id, TrainingEpoch.number], set_=values
            )
        )
    return row.state


def checkpointed(session: Session, held: TrainingClaim, checkpoint: Mapping[str, Any]) -> bool:
    """Go on from here after a death; the tries begin anew. False where the claim was lost."""
    return _write(session, held, checkpoint=dict(checkpoint), tries=0)


def finish(session: Session, held: TrainingClaim, model_id: uuid.UUID) -> bool:
    """End a training with its model: succeeded, or cancelled where that was asked for; false: claim lost.

    Call it in the transaction that registers the model, and roll that back on false.
    """
    row = _row(session, held)
    if row is not None:
        row.model_id = model_id
        cancelled = row.state is TrainingState.CANCELLING
        _end(row, TrainingState.CANCELLED if cancelled else TrainingState.SUCCEEDED)
    return row is not None


def cancelled(session: Session, held: TrainingClaim) -> bool:
    """End a training that had nothing to publish when it was cancelled; false where the claim was lost."""
    row = _row(session, held)
    if row is not None:
        _end(row, TrainingState.CANCELLED)
    return row is not None


def fail(
    session: Session, held: TrainingClaim, code: Code, detail: str, model_id: uuid.UUID | None = None
) -> bool:
    """End a training that cannot be carried out to its end; false where the claim was lost.

    With `model_id` it leaves a model all the same: call it as `finish`.
    """
    row = _row(session, held)
    if row is not None:
        row.code, row.detail, row.model_id = code, detail, model_id
        _end(row, TrainingState.FAILED)
    return row is not None


def release(session: Session, held: TrainingClaim) -> None:
    """Put a training back and its try with it: a server did not answer, the training was not at fault.

    It waits like one whose message was sent now. `attempt` is never given back: it is part of the
    checkpoints' keys.
    """
    row = _row(session, held)
    if row is not None:
        row.tries = max(0, row.tries - 1)
        _put_back(row)
        row.sent_at = func.now()


def crashed(session: Session, held: TrainingClaim, detail: str) -> None:
    """Put a training back that ended in an unexpected way; after the last try, fail it."""
    row = _row(session, held)
    if row is None:
        return
    if row.tries < MAX_ATTEMPTS:
        _put_back(row)
    else:
        row.code, row.detail = Code.INTERNAL_ERROR, detail
        _end(row, TrainingState.FAILED)


def ended(session: Session, training_ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Those for which nothing more will be done."""
    over = Training.id.in_(training_ids), Training.state.in_(TRAINING_ENDED)
    return session.scalars(select(Training.id).where(*over)).all()


def cleared(session: Session, training_ids: Collection[uuid.UUID]) -> None:
    """Remember that storage holds no checkpoint any more of these, which have ended."""
    session.execute(update(Training).where(Training.id.in_(training_ids)).values(checkpoint=null()))


def due(session: Session, resend_s: float) -> list[RunTraining]:
    """Messages of trainings that nobody works on, never sent or last more than `resend_s` seconds ago.

    Also of those that have ended and whose checkpoint is still to be deleted.
    """
    long_ago = func.now() - dt.timedelta(seconds=resend_s)
    unheard = or_(Training.sent_at.is_(None), Training.sent_at < long_ago)
    waiting = select(Training.id).where(_needs_a_trainer(), unheard).order_by(Training.created_at)
    return [RunTraining(training_id=training_id) for training_id in session.scalars(waiting)]


def mark_sent(session: Session, messages: Sequence[RunTraining]) -> None:
    """Remember that these messages went out; call it after they did."""
    ids = [message.training_id for message in messages]
    waits = and_(Training.id.in_(ids), _needs_a_trainer())
    session.execute(update(Training).where(waits).values(sent_at=func.now()))


def _datasets(session: Session, training_id: uuid.UUID) -> list[DatasetFile]:
    rows = session.execute(
        select(Dataset.id, Dataset.name, Dataset.sha256)
        .join(TrainingDataset, TrainingDataset.dataset_id == Dataset.id)
        .where(TrainingDataset.training_id == training_id)
        .order_by(TrainingDataset.place)
    )
    return [DatasetFile(*row) for row in rows]


def _put_back(row: Training) -> None:
    row.lease_until, row.sent_at = None, None
    if row.state is TrainingState.RUNNING:
        row.state = TrainingState.QUEUED


def _end(row: Training, state: TrainingState) -> None:
    row.state, row.ended_at = state, func.clock_timestamp()
    row.lease_until = row.eta_s = row.preparation = None
    row.sent_at = func.now()  # who ends it deletes its checkpoint, and is missed only if that takes too long


def _row(session: Session, held: TrainingClaim) -> Training | None:
    """The row, locked, where the claim still holds."""
    return session.scalar(select(Training).where(_held(held)).with_for_update())


def _write(session: Session, held: TrainingClaim, **values: object) -> bool:
    written = session.execute(update(Training).where(_held(held)).values(**values).returning(Training.id))
    return written.first() is not None


def _needs_a_trainer() -> ColumnElement[bool]:
    return or_(_free(), and_(Training.state.in_(TRAINING_ENDED), Training.checkpoint.is_not(None)))


def _free() -> ColumnElement[bool]:
    nobody = or_(Training.lease_until.is_(None), Training.lease_until < func.now())
    return or_(Training.state == TrainingState.QUEUED, and_(Training.state.in_(_TAKEN), nobody))


def _held(held: TrainingClaim) -> ColumnElement[bool]:
    return and_(Training.id == held.id, Training.attempt == held.attempt, Training.state.in_(_TAKEN))


def _in(seconds: float) -> ColumnElement[dt.datetime]:
    return func.now() + dt.timedelta(seconds=seconds)
