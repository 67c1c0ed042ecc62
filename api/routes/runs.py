"""Runs: submitted, watched, cancelled, tried again."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request, Response
from pydantic import Field, TypeAdapter
from sqlalchemy.orm import Session

from api.auth import Caller
from api.bootstrap import Services as AllServices
from api.context import Services
from api.intake import in_storage
from api.paging import Cursor, Limit, begin, page
from api.waiting import IfNoneMatch, Wait, watched
from wallscan.domain.codes import Code
from wallscan.domain.errors import RunError
from wallscan.domain.lifecycle import RUN_ENDED, TaskState
from wallscan.domain.looks import Look
from wallscan.domain.pipelines import parse_pipeline, recorded
from wallscan.domain.prompts import normal_prompts
from wallscan.jobs.send import send
from wallscan.records import arrivals, inspections, models, progress, runs, tasks
from wallscan.records.session import snapshot, transaction
from wallscan.wire.common import Page
from wallscan.wire.runs import Item, NewRun, Run

router = APIRouter(tags=["runs"])
_BY_PATH: TypeAdapter[tuple[str, int]] = TypeAdapter(tuple[str, Annotated[int, Field(ge=0, le=100)]])


@router.post("/inspections/{inspection_id}/runs", status_code=202)
def submit_run(
    inspection_id: UUID,
    order: NewRun,
    services: Services,
    caller: Caller,
    response: Response,
    background: BackgroundTasks,
) -> Run:
    """Order an inspection of all photos that have arrived. Poll the address in `Location`."""
    postprocess = recorded(parse_pipeline(order.postprocess))
    with transaction(services.engine) as session:
        inspections.site_of(session, caller.sites, inspection_id)
        if order.from_run is None:
            seen = _Sight(models.resolve(session, order.model).id, normal_prompts(order.prompts), order.look)
        else:
            inspections.run_prompts(session, caller.sites, order.from_run)
            seen = _as_before(session, inspection_id, order, order.from_run)
        waited = arrivals.awaited(session, inspection_id)
    found = in_storage(services.store, inspection_id) if waited else frozenset()
    with transaction(services.engine) as session:
        arrivals.settle(session, inspection_id, waited, found)
        own = None if order.scale is None else order.scale.model_dump(mode="json", exclude_none=True)
        run_id = runs.submit(
            session,
            inspection_id,
            seen.model_id,
            seen.prompts,
            postprocess,
            look=seen.look,
            scale=own or seen.scale,
            from_run_id=order.from_run,
        )
        run = progress.progress(session, run_id)
    return _accepted(run, services, response, background)


@router.get("/runs/{run_id}", response_model=Run)
async def get_run(
    run_id: UUID,
    request: Request,
    services: Services,
    caller: Caller,
    wait: Wait = 0,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - read by `watched`, named here for the document
) -> Response:
    """A run's state, counts, percentage, time left and first errors."""

    def look() -> Run:
        with snapshot(services.engine) as session:
            inspections.run_prompts(session, caller.sites, run_id)
            return progress.progress(session, run_id)

    return await watched(request, look, _etag, lambda run: run.state in RUN_ENDED, wait)


@router.get("/runs/{run_id}/items")
def list_items(
    run_id: UUID,
    services: Services,
    caller: Caller,
    state: TaskState | None = None,
    wall_id: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Item]:
    """Items (photo x prompt) of a run, in the order of path and prompt."""
    after = begin(cursor, _BY_PATH)
    with snapshot(services.engine) as session:
        prompts = inspections.run_prompts(session, caller.sites, run_id)
        rows = progress.items(session, run_id, state=state, wall_id=wall_id, after=after, limit=limit + 1)
    return page(rows, limit, _BY_PATH, lambda item: (item.path, prompts.index(item.prompt)))


@router.post("/runs/{run_id}/cancel", status_code=202)
def cancel_run(
    run_id: UUID, services: Services, caller: Caller, response: Response, background: BackgroundTasks
) -> Run:
    """Stop a run: photos under way are finished, results stay."""
    with transaction(services.engine) as session:
        inspections.run_prompts(session, caller.sites, run_id)
        runs.cancel(session, run_id)
        run = progress.progress(session, run_id)
    return _accepted(run, services, response, background)


@router.post("/runs/{run_id}/retry", status_code=202)
def retry_run(
    run_id: UUID, services: Services, caller: Caller, response: Response, background: BackgroundTasks
) -> Run:
    """Try the failed and cancelled photos of an ended run again."""
    with transaction(services.engine) as session:
        inspections.run_prompts(session, caller.sites, run_id)
        runs.retry(session, run_id)
        run = progress.progress(session, run_id)
    return _accepted(run, services, response, background)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What makes a run's probability maps, and the scale of the run that they were made for."""

    model_id: UUID
    prompts: tuple[str, ...]
    look: Look
    scale: dict[str, Any] | None = None


def _as_before(session: Session, inspection_id: UUID, order: NewRun, from_run: UUID) -> _Sight:
    """What the run had whose maps are measured again.

    Raises RunError `run_not_reusable` where something else is asked for.
    """
    earlier = runs.reusable(session, from_run, inspection_id)
    if "prompts" in order.model_fields_set and list(normal_prompts(order.prompts)) != earlier.prompts:
        raise RunError(Code.RUN_NOT_REUSABLE, "its maps are those of other prompts: leave the prompts out")
    if order.model is not None and models.resolve(session, order.model).id != earlier.model_version_id:
        raise RunError(Code.RUN_NOT_REUSABLE, "its maps are another model's: leave the model out")
    if "look" in order.model_fields_set and order.look != earlier.look:
        raise RunError(Code.RUN_NOT_REUSABLE, "its maps are those of another look: leave the look out")
    return _Sight(earlier.model_version_id, tuple(earlier.prompts), earlier.look, earlier.scale)


def _accepted(run: Run, services: AllServices, response: Response, background: BackgroundTasks) -> Run:
    """202: where to look, and the first messages once the answer is out."""
    background.add_task(_ring, services, run.id)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    response.headers["Retry-After"] = "1"
    return run


def _ring(services: AllServices, run_id: UUID) -> None:
    """Send the first messages of a run; the sweeper sends the rest as the queue empties."""
    with transaction(services.engine) as session:
        due = tasks.due(session, services.settings.api.send_window, run_id)
    sent = send(services.celery, due)
    with transaction(services.engine) as session:
        tasks.mark_sent(session, due[:sent])


def _etag(run: Run) -> str:
    counts = run.counts
    numbers = (counts.queued, counts.running, counts.succeeded, counts.failed, counts.cancelled, run.skipped)
    return f'W/"{run.state}-{"-".join(map(str, numbers))}"'
