"""What the sweeper asks of the rows: put right what died, and name what must be rung again.

Rows that someone else holds locked are left for the next sweep, so no sweep waits or deadlocks.
"""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, text, tuple_, update
from sqlalchemy.orm import Session

from wallscan.domain.lifecycle import MAX_ATTEMPTS, RUN_ENDED, RunState, TaskState
from wallscan.jobs.messages import InspectPhoto
from wallscan.records.tables import Run, Task
from wallscan.records.tasks import LIVE_RUNS, exhausted, lease_ran_out

_SWEEP_LOCK = 0x77616C6C  # "wall": the advisory lock of the one sweeper that sweeps
_SENT = (
    Task.state == TaskState.QUEUED,
    Task.sent_at.is_not(None),
    Task.run_id.in_(select(Run.id).where(Run.state.in_(LIVE_RUNS))),
)


def try_lock(session: Session) -> bool:
    """Be the only sweeper until the transaction ends; false where another one is.

    It is idle while the sweep works in others, and has five minutes: a broker or a row may be waited for.
    """
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '300s'"))
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_SWEEP_LOCK))))


def requeue_expired(session: Session) -> int:
    """End the claims whose lease ran out: back to the queue, or failed where the tries are used up."""
    _update(session, (lease_ran_out(), Task.tries >= MAX_ATTEMPTS), exhausted())
    return _update(
        session,
        (lease_ran_out(), Task.tries < MAX_ATTEMPTS),
        {"state": TaskState.QUEUED, "lease_until": None, "sent_at": None},
    )


def cancel_stragglers(session: Session) -> int:
    """Cancel photos that came back to the queue while their run was being cancelled."""
    cancelling = select(Run.id).where(Run.state == RunState.CANCELLING)
    return _update(
        session,
        (Task.state == TaskState.QUEUED, Task.run_id.in_(cancelling)),
        {"state": TaskState.CANCELLED, "ended_at": func.clock_timestamp()},
    )


def finished_runs(session: Session) -> list[uuid.UUID]:
    """Runs that nobody ended although all their photos have: who finished the last one died before."""
    open_tasks = exists().where(Task.run_id == Run.id, Task.state.in_((TaskState.QUEUED, TaskState.RUNNING)))
    return list(session.scalars(select(Run.id).where(Run.state.not_in(RUN_ENDED), ~open_tasks)))


def count_sent(session: Session) -> int:
    """How many queued photos have had their message sent: what the queue holds if it lost nothing."""
    return session.scalar(select(func.count()).select_from(Task).where(*_SENT)) or 0


def sent_longest_ago(session: Session, limit: int, grace_s: float) -> list[InspectPhoto]:
    """Messages of queued photos, sent more than `grace_s` seconds ago, the longest ago first."""
    statement = (
        select(Task.run_id, Task.photo_id)
        .where(*_SENT, Task.sent_at < func.now() - dt.timedelta(seconds=grace_s))
        .order_by(Task.sent_at)
        .limit(limit)
    )
    return [InspectPhoto(run_id=run_id, photo_id=photo_id) for run_id, photo_id in session.execute(statement)]


def _update(session: Session, where: tuple[ColumnElement[bool], ...], values: dict[str, Any]) -> int:
    rows = select(Task.run_id, Task.photo_id).where(*where).with_for_update(skip_locked=True, of=Task)
    changed = session.execute(
        update(Task)
        .where(tuple_(Task.run_id, Task.photo_id).in_(rows))
        .values(values)
        .returning(Task.photo_id)
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())
