"""How far a run has come, read from its rows: what a client polls, and the listing of its items."""

import datetime as dt
import math
import uuid
from typing import Any

from sqlalchemy import Row, Select, and_, func, literal, select, tuple_
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import RunError
from wallscan.domain.lifecycle import PhotoState, TaskState
from wallscan.models.manifest import unfamiliar
from wallscan.records.model_tables import ModelVersion
from wallscan.records.tables import Item, Photo, Run, Task, Wall
from wallscan.wire import runs as wire
from wallscan.wire.scale import Scale
from wallscan.wire.uploads import FirstError

_FIRST_ERRORS = 10
_PACE_PHOTOS = 64
_ENDED = (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)


def progress(session: Session, run_id: uuid.UUID) -> wire.Run:
    """A run as a client sees it. Raises RunError `run_unknown`."""
    found = session.execute(
        select(Run, ModelVersion.name, ModelVersion.digest, ModelVersion.manifest["families"])
        .join(ModelVersion, ModelVersion.id == Run.model_version_id)
        .where(Run.id == run_id)
    ).first()
    if found is None:
        raise RunError(Code.RUN_UNKNOWN, f"there is no run {run_id}")
    run, model, model_digest, families = found
    photos = _photos_by_state(session, run_id)
    total, ended = sum(photos.values()), sum(photos.get(state, 0) for state in _ENDED)
    prompts = len(run.prompts)
    return wire.Run(
        id=run.id,
        inspection_id=run.inspection_id,
        state=run.state,
        model_id=run.model_version_id,
        model=model,
        model_digest=model_digest,
        prompts=run.prompts,
        unfamiliar_prompts=unfamiliar(run.prompts, families or ()),
        postprocess=run.postprocess,
        look=run.look,
        scale=None if run.scale is None else Scale.model_validate(run.scale),
        from_run_id=run.from_run_id,
        photos=total,
        items=total * prompts,
        counts=wire.ItemCounts(**{state.value: count * prompts for state, count in photos.items()}),
        skipped=_skipped(session, run.inspection_id),
        percent=_percent(ended, total),
        eta_s=_eta_s(session, run, total - ended),
        errors=_first_errors(session, run),
        code=run.code,
        detail=run.detail,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def items(
    session: Session,
    run_id: uuid.UUID,
    *,
    state: TaskState | None = None,
    wall_id: uuid.UUID | None = None,
    after: tuple[str, int] | None = None,
    limit: int = 100,
) -> list[wire.Item]:
    """One page of a run's items, of every state, in the order of photo path and prompt.

    `after` is the path and the prompt's index of the last item of the page before.
    """
    statement = _items(run_id)
    if state is not None:
        statement = statement.where(Task.state == state)
    if wall_id is not None:
        statement = statement.where(Photo.wall_id == wall_id)
    prompt_index = statement.selected_columns.prompt_index
    if after is not None:
        statement = statement.where(tuple_(Photo.path, prompt_index) > tuple_(*after))
    rows = session.execute(statement.order_by(Photo.path, prompt_index).limit(limit))
    return [_item(row) for row in rows]


def _items(run_id: uuid.UUID) -> Select[Any]:
    prompts = (
        func.unnest(Run.prompts)
        .table_valued("prompt", with_ordinality="place", name="prompts")
        .render_derived()
    )
    prompt_index = (prompts.c.place - 1).label("prompt_index")
    result = and_(
        Item.run_id == Task.run_id, Item.photo_id == Task.photo_id, Item.prompt_index == prompts.c.place - 1
    )
    return (
        select(
            Photo.path,
            Wall.name.label("wall"),
            prompts.c.prompt,
            prompt_index,
            *(Task.photo_id, Task.state, Task.attempt, Task.code, Task.detail),
            *(Item.coverage_pct, Item.foreground_px, Item.analysed_px),
            *(Item.presence, Item.threshold, Item.mask_sha256),
            *(Item.estimated_coverage_pct, Item.estimated_low_pct, Item.estimated_high_pct),
        )
        .select_from(Task)
        .join(Run, Run.id == Task.run_id)
        .join(Photo, Photo.id == Task.photo_id)
        .join(Wall, Wall.id == Photo.wall_id, isouter=True)
        .join(prompts, literal(True))
        .join(Item, result, isouter=True)
        .where(Task.run_id == run_id)
    )


def _item(row: Row[Any]) -> wire.Item:
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    del fields["prompt_index"]
    return wire.Item(**fields)


def _photos_by_state(session: Session, run_id: uuid.UUID) -> dict[TaskState, int]:
    counted = select(Task.state, func.count()).where(Task.run_id == run_id).group_by(Task.state)
    return {state: count for state, count in session.execute(counted)}  # noqa: C416 - rows, not tuples


def _percent(ended: int, total: int) -> float:
    """Two decimals, cut and not rounded: 100 means all."""
    return math.floor(10_000 * ended / total) / 100 if total else 100.0


def _skipped(session: Session, inspection_id: uuid.UUID) -> int:
    rejected = select(func.count()).where(
        Photo.inspection_id == inspection_id, Photo.state == PhotoState.REJECTED
    )
    return session.scalar(rejected) or 0


def _eta_s(session: Session, run: Run, photos_left: int) -> float | None:
    """Seconds left at the pace of the last `_PACE_PHOTOS` photos; null before the first and after the end."""
    if run.ended_at is not None or run.started_at is None:
        return None
    latest = (
        select(Task.ended_at)
        .where(Task.run_id == run.id, Task.state.in_((TaskState.SUCCEEDED, TaskState.FAILED)))
        .order_by(Task.ended_at.desc())
        .limit(_PACE_PHOTOS)
        .subquery()
    )
    count, since, now = session.execute(
        select(func.count(), func.min(latest.c.ended_at), func.clock_timestamp()).select_from(latest)
    ).one()
    if not count:
        return None
    began: dt.datetime = run.started_at if count < _PACE_PHOTOS else since
    pace_s: float = (now - began).total_seconds() / count
    return round(photos_left * pace_s, 1)


def _first_errors(session: Session, run: Run) -> list[FirstError]:
    """The first failed photos in the order of their failing, then rejected ones in that of handing in."""
    failed = (
        select(Task.photo_id, Photo.path, Task.code, Task.detail)
        .join(Photo, Photo.id == Task.photo_id)
        .where(Task.run_id == run.id, Task.state == TaskState.FAILED)
        .order_by(Task.ended_at, Photo.path)
        .limit(_FIRST_ERRORS)
    )
    rejected = (
        select(Photo.id, Photo.path, Photo.code, Photo.detail)
        .where(Photo.inspection_id == run.inspection_id, Photo.state == PhotoState.REJECTED)
        .order_by(Photo.created_at, Photo.path)
        .limit(_FIRST_ERRORS)
    )
    rows = [*session.execute(failed), *session.execute(rejected)][:_FIRST_ERRORS]
    return [FirstError(photo_id=row[0], path=row[1], code=row[2], detail=row[3]) for row in rows]
