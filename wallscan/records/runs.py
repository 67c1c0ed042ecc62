"""Runs: submitting, ending, cancelling, retrying. Whether a run is done is derived from its tasks.

Locks are taken in one order everywhere, the inspection's row, the run's, its tasks', so that no two calls
deadlock.
Nothing here commits: the caller's transaction does.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Exists, case, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import RunError
from wallscan.domain.lifecycle import RUN_ENDED, PhotoState, RunState, TaskState
from wallscan.domain.looks import DEFAULT_LOOK, Look
from wallscan.records import inspections, tasks
from wallscan.records.tables import Inspection, Photo, Run, Task
from wallscan.records.tasks import Claim

_OPEN_TASKS = (TaskState.QUEUED, TaskState.RUNNING)
_RETRYABLE_TASKS = (TaskState.FAILED, TaskState.CANCELLED)


def submit(
    session: Session,
    inspection_id: uuid.UUID,
    model_version_id: uuid.UUID,
    prompts: Sequence[str],
    postprocess: dict[str, Any],
    *,
    look: Look = DEFAULT_LOOK,
    scale: dict[str, Any] | None = None,
    from_run_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Order the analysis of all stored photos of an inspection, each content once; return the run's id.

    `scale` (`wire.scale`) is that of the photos that have none of their own. The run becomes the
    inspection's active one. Its messages are sent after the commit: `tasks.due`. With `from_run_id` (see
    `reusable`) photos are measured from that run's probability maps, where it has them.
    Raises RunError `inspection_empty` where no photo is stored, WallscanError `inspection_unknown`.
    """
    inspections.lock(session, inspection_id)
    run_id = uuid.uuid4()
    run = Run(
        id=run_id,
        inspection_id=inspection_id,
        model_version_id=model_version_id,
        prompts=list(prompts),
        postprocess=postprocess,
        look=look,
        scale=scale,
        from_run_id=from_run_id,
        state=RunState.QUEUED,
    )
    session.add(run)
    session.flush()
    photos = select(literal(run_id), Photo.id, literal(TaskState.QUEUED.value)).where(
        Photo.inspection_id == inspection_id,
        Photo.state == PhotoState.STORED,
        Photo.duplicate_of_id.is_(None),
    )
    made = session.execute(
        insert(Task).from_select(["run_id", "photo_id", "state"], photos).returning(Task.photo_id)
    ).all()
    if not made:
        raise RunError(Code.INSPECTION_EMPTY, "the inspection holds no photo that can be analysed")
    session.execute(update(Inspection).where(Inspection.id == inspection_id).values(active_run_id=run_id))
    return run_id


def reusable(session: Session, run_id: uuid.UUID, inspection_id: uuid.UUID) -> Run:
    """The run whose maps another run of the inspection may measure again, with its model and its prompts.

    Raises RunError `run_unknown`, or `run_not_reusable` where it looked at another inspection's photos.
    """
    run = session.get(Run, run_id)
    if run is None:
        raise RunError(Code.RUN_UNKNOWN, f"there is no run {run_id}")
    if run.inspection_id != inspection_id:
        raise RunError(Code.RUN_NOT_REUSABLE, "the run is one of another inspection")
    return run


def complete_if_done(session: Session, run_id: uuid.UUID) -> bool:
    """End a run whose tasks have all ended; true for the one caller that ended it.

    Call it in a transaction of its own after the last task's commit: of several who finish at the same
    time, the last to commit sees all others' tasks ended.
    """
    if session.scalar(select(_has_open_tasks(run_id))):
        return False
    # Only under the lock is "no open task" the truth: a retry may have opened some since.
    session.execute(select(Run.id).where(Run.id == run_id).with_for_update())
    ended = session.execute(
        update(Run)
        .where(Run.id == run_id, Run.state.not_in(RUN_ENDED), ~_has_open_tasks(run_id))
        .values(
            state=case(
                (Run.state == RunState.CANCELLING, RunState.CANCELLED.value),
                else_=RunState.SUCCEEDED.value,
            ),
            ended_at=func.clock_timestamp(),
        )
        .returning(Run.id)
    ).first()
    return ended is not None


def cancel(session: Session, run_id: uuid.UUID) -> None:
    """Stop a run: queued photos are cancelled at once, photos under way are finished, results stay.

    Cancelling twice is no error. Raises RunError `run_unknown` or `run_not_cancellable` (it has ended).
    """
    state = _lock(session, run_id)
    if state in RUN_ENDED:
        raise RunError(Code.RUN_NOT_CANCELLABLE, f"the run has ended: it is {state}")
    session.execute(update(Run).where(Run.id == run_id).values(state=RunState.CANCELLING))
    session.execute(
        update(Task)
        .where(Task.run_id == run_id, Task.state == TaskState.QUEUED)
        .values(state=TaskState.CANCELLED, ended_at=func.clock_timestamp())
    )
    complete_if_done(session, run_id)


def retry(session: Session, run_id: uuid.UUID) -> int:
    """Queue the failed and cancelled photos of an ended run again; return how many there are.

    Raises RunError `run_unknown` or `run_not_retryable` (it is under way, or nothing failed).
    """
    state = _lock(session, run_id)
    if state not in RUN_ENDED:
        raise RunError(Code.RUN_NOT_RETRYABLE, f"the run has not ended: it is {state}")
    reopened = session.execute(
        update(Task)
        .where(Task.run_id == run_id, Task.state.in_(_RETRYABLE_TASKS))
        .values(state=TaskState.QUEUED, tries=0, sent_at=None, code=None, detail=None, ended_at=None)
        .returning(Task.photo_id)
    ).all()
    if not reopened:
        raise RunError(Code.RUN_NOT_RETRYABLE, "every photo of the run succeeded")
    session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(state=RunState.RUNNING, ended_at=None, code=None, detail=None)
    )
    return len(reopened)


def fail(session: Session, claim: Claim, code: Code, detail: str) -> bool:
    """End a run, and its open photos with it, where the work on a photo showed that none can be done.

    A run that is being cancelled ends as cancelled. False, and nothing written, where it had ended or the
    claim was lost: what was wrong may have been put right since.
    """
    run_id = claim.run_id
    state = _lock(session, run_id)
    if state in RUN_ENDED or not tasks.is_held(session, claim):
        return False
    now = func.clock_timestamp()
    session.execute(
        update(Task)
        .where(Task.run_id == run_id, Task.state.in_(_OPEN_TASKS))
        .values(state=TaskState.FAILED, code=code, detail=detail, lease_until=None, ended_at=now)
    )
    if state is RunState.CANCELLING:
        return complete_if_done(session, run_id)
    session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(state=RunState.FAILED, code=code, detail=detail, ended_at=now)
    )
    return True


def _lock(session: Session, run_id: uuid.UUID) -> RunState:
    """Hold the run's row to the end of the transaction. Raises RunError `run_unknown`."""
    state = session.scalar(select(Run.state).where(Run.id == run_id).with_for_update())
    if state is None:
        raise RunError(Code.RUN_UNKNOWN, f"there is no run {run_id}")
    return state


def _has_open_tasks(run_id: uuid.UUID) -> Exists:
    return exists().where(Task.run_id == run_id, Task.state.in_(_OPEN_TASKS))
