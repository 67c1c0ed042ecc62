"""Tasks: who works on which photo, under a lease. A message only rings; what happens is decided here.

`attempt` grows with every claim and never shrinks: it is the fencing token. Whoever lost the lease can
write nothing more, however late it wakes. Locks: the run's row before its tasks' (see `records.runs`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import MAX_ATTEMPTS, RunState, TaskState
from wallscan.domain.looks import Look
from wallscan.jobs.messages import InspectPhoto
from wallscan.records.model_tables import ModelVersion
from wallscan.records.stored_maps import StoredMap, stored_maps
from wallscan.records.tables import Item, Photo, Run, Task

LIVE_RUNS = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one photo of a run until the lease ends, and what the work needs to know."""

    run_id: uuid.UUID
    photo_id: uuid.UUID
    attempt: int
    tries: int  # this one included
    inspection_id: uuid.UUID
    sha256: str | None  # announced, hex
    prompts: tuple[str, ...]
    postprocess: dict[str, Any]
    look: Look
    model_digest: str
    model_manifest: dict[str, Any]
    base_manifest: dict[str, Any] | None  # of the bundle that the model's completes
    maps: tuple[StoredMap, ...] = ()  # of an earlier run, one a prompt, to be measured again; else empty
    scale: dict[str, Any] | None = None  # the photo's own, or else the run's; see wire.scale
    wall_polygon_px: list[list[float]] | None = None


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What decoding told about a photo; sizes are upright, `taken_at` is the camera's local time."""

    media_type: str
    width_px: int
    height_px: int
    taken_at: dt.datetime | None
    camera: str | None
    phash: int | None  # 64 bits, as signed


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The result of one prompt; fields as in `records.tables.Item`, `measured` by its `MeasuredColumns`."""

    prompt_index: int
    mask_key: str
    mask_sha256: str
    map_key: str
    map_sha256: str
    foreground_px: int
    analysed_px: int
    coverage_pct: float
    presence: float
    mean_probability: float
    max_probability: float
    threshold: float | None
    components: int
    largest_component_px: int
    estimated_coverage_pct: float | None = None
    estimated_low_pct: float | None = None
    estimated_high_pct: float | None = None
    view_cells: int | None = None
    measured: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """All columns by their names."""
        columns = asdict(self)
        measured: dict[str, Any] = columns.pop("measured")
        return columns | measured


def claim(
    session: Session, run_id: uuid.UUID, photo_id: uuid.UUID, worker: str, lease_s: float
) -> Claim | None:
    """Claim a photo that is queued or whose lease ran out, for `lease_s` seconds.

    None where there is nothing to do: another worker holds it, it has ended, or its run takes no more
    work. A photo that ended its worker `MAX_ATTEMPTS` times is failed with `attempts_exhausted`.
    """
    session.execute(
        update(Run)
        .where(Run.id == run_id, Run.state == RunState.QUEUED)
        .values(state=RunState.RUNNING, started_at=func.now())
    )
    free = or_(Task.state == TaskState.QUEUED, lease_ran_out())
    here = and_(Task.run_id == run_id, Task.photo_id == photo_id)
    live = select(Run.id).where(Run.id == run_id, Run.state.in_(LIVE_RUNS)).exists()
    taken = session.execute(
        update(Task)
        .where(here, free, live, Task.tries < MAX_ATTEMPTS)
        .values(
            state=TaskState.RUNNING,
            attempt=Task.attempt + 1,
            tries=Task.tries + 1,
            lease_until=func.now() + dt.timedelta(seconds=lease_s),
            started_at=func.coalesce(Task.started_at, func.now()),
            worker=worker,
        )
        .returning(Task.attempt, Task.tries)
    ).first()
    if taken is None:
        spent = Task.tries >= MAX_ATTEMPTS  # said again: it may have been put back since
        session.execute(update(Task).where(here, free, live, spent).values(exhausted()))
        return None
    return _claim(session, run_id, photo_id, taken.attempt, taken.tries)


def extend(session: Session, claim: Claim, lease_s: float) -> bool:
    """Hold a claim for another `lease_s` seconds from now; false where it was lost."""
    held = session.execute(
        update(Task)
        .where(_held(claim))
        .values(lease_until=func.now() + dt.timedelta(seconds=lease_s))
        .returning(Task.attempt)
    )
    return held.first() is not None


def is_held(session: Session, claim: Claim) -> bool:
    """Whether a claim was not lost. Where the run's row is locked, no retry of it can have come between."""
    return bool(session.scalar(select(exists().where(_held(claim)))))


def finish(
    session: Session,
    claim: Claim,
    facts: PhotoFacts,
    results: Sequence[ItemResult],
    runtime: str | None = None,
) -> bool:
    """Write a photo's results and end its task; false, and nothing written, where the claim was lost.

    `runtime` names what computed the results.
    """
    if not _end(session, claim, state=TaskState.SUCCEEDED, runtime=runtime):
        return False
    session.execute(update(Photo).where(Photo.id == claim.photo_id).values(asdict(facts)))
    ids = {"run_id": claim.run_id, "photo_id": claim.photo_id}
    session.execute(insert(Item), [ids | result.row() for result in results])
    return True


def fail(session: Session, claim: Claim, code: Code, detail: str) -> bool:
    """End a task as failed; false where the claim was lost."""
    return _end(session, claim, state=TaskState.FAILED, code=code, detail=detail)


def release(session: Session, claim: Claim, *, count_try: bool) -> bool:
    """Put a photo back, for another try; false where the claim was lost.

    Without `count_try` the photo was not at fault (a server did not answer): the try is given back, and
    the sweeper waits its grace time before it rings again.
    """
    back = {} if count_try else {"tries": Task.tries - 1}
    released = session.execute(
        update(Task)
        .where(_held(claim))
        .values(
            state=TaskState.QUEUED,
            lease_until=None,
            sent_at=None if count_try else func.now(),
            **back,
        )
        .returning(Task.attempt)
    )
    return released.first() is not None


def due(session: Session, limit: int, run_id: uuid.UUID | None = None) -> list[InspectPhoto]:
    """Up to `limit` messages that were never sent, the oldest run's first; of one run if given."""
    statement = (
        select(Task.run_id, Task.photo_id)
        .join(Run, Run.id == Task.run_id)
        .where(Task.state == TaskState.QUEUED, Task.sent_at.is_(None), Run.state.in_(LIVE_RUNS))
        .order_by(Run.created_at, Task.photo_id)
        .limit(limit)
    )
    if run_id is not None:
        statement = statement.where(Task.run_id == run_id)
    return [InspectPhoto(run_id=row.run_id, photo_id=row.photo_id) for row in session.execute(statement)]


def mark_sent(session: Session, messages: Sequence[InspectPhoto]) -> None:
    """Remember that these messages went out; call it after they did."""
    if messages:
        keys = [(message.run_id, message.photo_id) for message in messages]
        session.execute(
            update(Task)
            .where(tuple_(Task.run_id, Task.photo_id).in_(keys), Task.state == TaskState.QUEUED)
            .values(sent_at=func.now())
        )


def _claim(session: Session, run_id: uuid.UUID, photo_id: uuid.UUID, attempt: int, tries: int) -> Claim:
    base = aliased(ModelVersion)
    row = session.execute(
        select(
            *(Photo.inspection_id, Photo.sha256, Run.prompts, Run.postprocess, Run.look, Run.from_run_id),
            *(func.coalesce(Photo.scale, Run.scale).label("scale"), Photo.wall_polygon_px),
            *(ModelVersion.digest, ModelVersion.manifest, base.manifest.label("base_manifest")),
        )
        .join_from(Run, ModelVersion, ModelVersion.id == Run.model_version_id)
        .outerjoin(base, base.id == ModelVersion.base_id)
        .join(Photo, Photo.id == photo_id)
        .where(Run.id == run_id)
    ).one()
    return Claim(
        run_id=run_id,
        photo_id=photo_id,
        attempt=attempt,
        tries=tries,
        inspection_id=row.inspection_id,
        sha256=row.sha256,
        prompts=tuple(row.prompts),
        postprocess=row.postprocess,
        look=row.look,
        model_digest=row.digest,
        model_manifest=row.manifest,
        base_manifest=row.base_manifest,
        scale=row.scale,
        wall_polygon_px=row.wall_polygon_px,
        maps=stored_maps(session, row.from_run_id, photo_id, len(row.prompts)),
    )


def _end(session: Session, claim: Claim, **values: object) -> bool:
    ended = session.execute(
        update(Task)
        .where(_held(claim))
        .values(lease_until=None, ended_at=func.clock_timestamp(), **values)
        .returning(Task.attempt)
    )
    return ended.first() is not None


def _held(claim: Claim) -> ColumnElement[bool]:
    return and_(
        Task.run_id == claim.run_id,
        Task.photo_id == claim.photo_id,
        Task.attempt == claim.attempt,
        Task.state == TaskState.RUNNING,
    )


def lease_ran_out() -> ColumnElement[bool]:
    """Tasks whose worker is dead, or as good as dead: what it still writes is fenced off."""
    return and_(Task.state == TaskState.RUNNING, Task.lease_until < func.now())


def exhausted() -> dict[str, Any]:
    """The values of a task whose tries are used up."""
    return {
        "state": TaskState.FAILED,
        "code": Code.ATTEMPTS_EXHAUSTED,
        "detail": f"the photo ended its worker {MAX_ATTEMPTS} times",
        "lease_until": None,
        "ended_at": func.clock_timestamp(),
    }
