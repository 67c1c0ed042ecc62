"""Model versions: listed by everyone, handed in and chosen by administrators."""

import datetime as dt
import json
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks
from pydantic import TypeAdapter

from api.bootstrap import Services as AllServices
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from wallscan.domain.lifecycle import ModelState
from wallscan.jobs.messages import CheckModel
from wallscan.jobs.send import send
from wallscan.models.files import parse_manifest, require_files
from wallscan.models.manifest import BundleFile, bundle_digest
from wallscan.records import models, sweep
from wallscan.records.session import transaction
from wallscan.storage import keys
from wallscan.wire.common import Page
from wallscan.wire.models import Model, ModelUpload, NewModel
from wallscan.wire.uploads import UploadTarget

router = APIRouter(tags=["models"])
admin_router = APIRouter(tags=["models"])
_BY_TIME: TypeAdapter[tuple[dt.datetime, UUID]] = TypeAdapter(tuple[dt.datetime, UUID])
_UPLOAD_TYPE = "application/octet-stream"


@router.get("/models")
def list_models(services: Services, limit: Limit = 100, cursor: Cursor = None) -> Page[Model]:
    """Model versions, newest first."""
    after = begin(cursor, _BY_TIME)
    with transaction(services.engine) as session:
        rows = models.page(session, after, limit + 1)
    return page(rows, limit, _BY_TIME, lambda model: (model.created_at, model.id))


@router.get("/models/{model_id}")
def get_model(model_id: UUID, services: Services) -> Model:
    """One model version."""
    with transaction(services.engine) as session:
        return models.get(session, model_id)


@admin_router.post("/models", status_code=201)
def create_model(new: NewModel, services: Services) -> ModelUpload:
    """Announce a bundle by its manifest; PUT the files to their targets, then have it checked."""
    manifest = parse_manifest(json.dumps(new.manifest).encode())
    require_files(file.name for file in manifest.files)
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
        model = models.check(session, model_id)
    if model.state is ModelState.CHECKING:
        background.add_task(_ring, services, model_id)
    return model


@admin_router.post("/models/{model_id}/activate")
def activate_model(model_id: UUID, services: Services) -> Model:
    """Let this version serve the runs that name none; it must be ready."""
    with transaction(services.engine) as session:
        return models.activate(session, model_id)


def _ring(services: AllServices, model_id: UUID) -> None:
    message = CheckModel(model_id=model_id)
    if send(services.celery, [message]):
        with transaction(services.engine) as session:
            sweep.mark_checks_sent(session, [message])


def _target(services: AllServices, digest: str, file: BundleFile) -> UploadTarget:
    expires_s = services.settings.api.upload_expires_s
    put = services.store.presign_put(
        keys.model_file(digest, file.name),
        expires_s,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        content_type=_UPLOAD_TYPE,
    )
    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=expires_s)
    return UploadTarget(url=put.url, headers=dict(put.headers), expires_at=expires_at)
