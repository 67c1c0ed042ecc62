"""Trainings: ordered and cancelled by administrators, watched by everyone."""

import datetime as dt
import zlib
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request, Response
from pydantic import TypeAdapter

from api.bootstrap import Services as AllServices
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from api.waiting import IfNoneMatch, Wait, watched
from wallscan.domain.lifecycle import TRAINING_ENDED, TrainingState
from wallscan.jobs.messages import RunTraining
from wallscan.jobs.send import send
from wallscan.records import training_claims, trainings
from wallscan.records.session import snapshot, transaction
from wallscan.wire.common import Page
from wallscan.wire.trainings import NewTraining, Training, TrainingDetail

router = APIRouter(tags=["trainings"])
admin_router = APIRouter(tags=["trainings"])
_BY_TIME: TypeAdapter[tuple[dt.datetime, UUID]] = TypeAdapter(tuple[dt.datetime, UUID])


@router.get("/trainings")
def list_trainings(services: Services, limit: Limit = 100, cursor: Cursor = None) -> Page[Training]:
    """Trainings, newest first."""
    after = begin(cursor, _BY_TIME)
    with snapshot(services.engine) as session:
        rows = trainings.page(session, after, limit + 1)
    return page(rows, limit, _BY_TIME, lambda training: (training.created_at, training.id))


@router.get("/trainings/{training_id}", response_model=TrainingDetail)
async def get_training(
    training_id: UUID,
    request: Request,
    services: Services,
    wait: Wait = 0,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - read by `watched`, named here for the document
) -> Response:
    """A training's state, steps, time left, what each epoch came to, and what the data sets came to."""

    def look() -> TrainingDetail:
        with snapshot(services.engine) as session:
            return trainings.get(session, training_id)

    return await watched(request, look, _etag, lambda training: training.state in TRAINING_ENDED, wait)


@admin_router.post("/trainings", status_code=202)
def order_training(
    new: NewTraining, services: Services, response: Response, background: BackgroundTasks
) -> Training:
    """Order a training; its model is ready, and not active, once it succeeded. Poll the `Location`.

    A trainer checks the recipe and the classes when it takes the training up; one that cannot be run fails it
    with `recipe_invalid`, classes that cannot be used with `classes_invalid`.
    """
    with transaction(services.engine) as session:
        training = trainings.order(session, new)
    background.add_task(_ring, services, training.id)
    response.headers["Location"] = f"/v1/trainings/{training.id}"
    response.headers["Retry-After"] = "1"
    return training


@admin_router.post("/trainings/{training_id}/cancel", status_code=202)
def cancel_training(
    training_id: UUID, services: Services, response: Response, background: BackgroundTasks
) -> TrainingDetail:
    """Stop a training. What its best epoch so far came to is published as a model version."""
    with transaction(services.engine) as session:
        trainings.cancel(session, training_id)
        training = trainings.get(session, training_id)
    if training.state is TrainingState.CANCELLING:
        background.add_task(_ring, services, training_id)
    response.headers["Location"] = f"/v1/trainings/{training_id}"
    response.headers["Retry-After"] = "1"
    return training


def _ring(services: AllServices, training_id: UUID) -> None:
    message = RunTraining(training_id=training_id)
    if send(services.celery, [message]):
        with transaction(services.engine) as session:
            training_claims.mark_sent(session, [message])


def _etag(training: TrainingDetail) -> str:
    report = training.data_report  # a later attempt puts another one in its place
    read = 0 if report is None else zlib.crc32(report.model_dump_json().encode())
    ahead = "" if training.preparation is None else f"{training.preparation.what}{training.preparation.done}"
    told = (training.state, training.step, ahead, len(training.epochs), training.attempt, f"{read:x}")
    return f'W/"{"-".join(map(str, told))}"'
