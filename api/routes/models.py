"""Model versions: listed by everyone, handed in and chosen by administrators."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Response
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from api.auth import Caller
from api.bootstrap import Services as AllServices
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from api.targets import upload_target
from wallscan.domain.lifecycle import ModelState
from wallscan.jobs.messages import CheckModel, Message
from wallscan.jobs.send import send
from wallscan.models.files import parse_manifest, require_files
from wallscan.models.manifest import BundleFile, bundle_digest
from wallscan.records import activations, benchmarks, comparisons, model_checks, models
from wallscan.records.session import snapshot, transaction
from wallscan.storage import keys
from wallscan.wire.common import Page
from wallscan.wire.models import (
    Activation,
    ActivationOrder,
    Benchmark,
    BenchmarkOrder,
    Model,
    ModelDetail,
    ModelUpload,
    NewModel,
    RollbackOrder,
)
from wallscan.wire.uploads import UploadTarget

router = APIRouter(tags=["models"])
admin_router = APIRouter(tags=["models"])
_BY_TIME: TypeAdapter[tuple[dt.datetime, UUID]] = TypeAdapter(tuple[dt.datetime, UUID])
_BY_NUMBER: TypeAdapter[tuple[int]] = TypeAdapter(tuple[int])
_SHOWN_ACTIVATIONS = 20
M = TypeVar("M", bound=Message)
_UPLOAD_TYPE = "application/octet-stream"


@router.get("/models")
def list_models(services: Services, limit: Limit = 100, cursor: Cursor = None) -> Page[Model]:
    """Model versions, newest first."""
    after = begin(cursor, _BY_TIME)
    with snapshot(services.engine) as session:
        rows = models.page(session, after, limit + 1)
    return page(rows, limit, _BY_TIME, lambda model: (model.created_at, model.id))


@router.get("/models/activations")
def list_activations(services: Services, limit: Limit = 100, cursor: Cursor = None) -> Page[Activation]:
    """Which version served when: how that came, who wanted it and why; newest first."""
    after = begin(cursor, _BY_NUMBER)
    with snapshot(services.engine) as session:
        rows = activations.history(session, limit + 1, before=None if after is None else after[0])
    return page(rows, limit, _BY_NUMBER, lambda activation: (activation.number,))


@router.get("/models/benchmark")
def get_benchmark(services: Services) -> Benchmark:
    """What versions are compared on before they serve."""
    with snapshot(services.engine) as session:
        return benchmarks.current(session)


@router.get("/models/{model_id}")
def get_model(model_id: UUID, services: Services) -> ModelDetail:
    """One model version, with its latest comparison and each time it began to serve."""
    with snapshot(services.engine) as session:
        return _detail(session, model_id)


@admin_router.post("/models", status_code=201)
def create_model(new: NewModel, services: Services) -> ModelUpload:
    """Announce a bundle by its manifest; PUT the files to their targets, then have it checked."""
    manifest = parse_manifest(json.dumps(new.manifest).encode())
    require_files((file.name for file in manifest.files), delta=manifest.delta_of is not None)
    digest = bundle_digest(manifest)
    with transaction(services.engine) as session:
        model = models.announce(session, manifest.name, digest, manifest.model_dump(mode="json"))
    here = set(services.store.list(keys.model(digest)))
    missing = [file for file in manifest.files if keys.model_file(digest, file.name) not in here]
    return ModelUpload(model=model, targets={file.name: _target(services, digest, file) for file in missing})


@admin_router.post("/models/{model_id}/check", status_code=202)
def check_model(model_id: UUID, services: Services, background: BackgroundTasks) -> Model:
    """Have the uploaded files checked: hashes, and that the model loads and answers."""
    with transaction(services.engine) as session:
        model = model_checks.put_up(session, model_id)
    if model.state is ModelState.CHECKING:
        background.add_task(_ring, services, [CheckModel(model_id=model_id)], model_checks.mark_sent)
    return model


@admin_router.post(
    "/models/{model_id}/activate",
    responses={202: {"model": ModelDetail, "description": "It is being compared with the active one."}},
)
def activate_model(
    model_id: UUID,
    services: Services,
    caller: Caller,
    background: BackgroundTasks,
    response: Response,
    order: ActivationOrder | None = None,
) -> ModelDetail:
    """Let this version serve the runs that name none.

    Where another one serves, the two are compared first (202): `comparison` says what came of it, and the
    version serves once it passed. Refused for being worse, it may be forced, which is recorded.
    """
    with transaction(services.engine) as session:
        serves = comparisons.order(session, model_id, order or ActivationOrder(), caller.name)
        waiting = comparisons.queued(session, model_id)
        detail = _detail(session, model_id)
    if not serves:
        response.status_code = 202
        background.add_task(_ring, services, waiting, comparisons.mark_sent)
    return detail


@admin_router.post("/models/rollback")
def roll_back_model(services: Services, caller: Caller, order: RollbackOrder | None = None) -> ModelDetail:
    """Let the version serve again that served before the active one."""
    wanted = order or RollbackOrder()
    with transaction(services.engine) as session:
        model_id = activations.roll_back(session, caller.name, wanted.reason, wanted.expected_active_id)
        return _detail(session, model_id)


@admin_router.post("/models/benchmark")
def set_benchmark(order: BenchmarkOrder, services: Services, caller: Caller) -> Benchmark:
    """Compare versions on this data set from now on; on rendered walls where it is null."""
    with transaction(services.engine) as session:
        benchmarks.choose(session, order.dataset_id, caller.name)
        return benchmarks.current(session)


def _detail(session: Session, model_id: UUID) -> ModelDetail:
    return ModelDetail(
        **models.get(session, model_id).model_dump(),
        comparison=comparisons.latest(session, model_id),
        activations=activations.history(session, _SHOWN_ACTIVATIONS, model_id=model_id),
    )


def _ring(
    services: AllServices, messages: Sequence[M], mark_sent: Callable[[Session, Sequence[M]], None]
) -> None:
    sent = send(services.celery, messages)
    if sent:
        with transaction(services.engine) as session:
            mark_sent(session, messages[:sent])


def _target(services: AllServices, digest: str, file: BundleFile) -> UploadTarget:
    return upload_target(
        services,
        keys.model_file(digest, file.name),
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        content_type=_UPLOAD_TYPE,
    )
