"""Data sets to train on: listed by everyone, handed in by administrators."""

import datetime as dt
from uuid import UUID

from fastapi import APIRouter
from pydantic import TypeAdapter

from api.bootstrap import Services as AllServices
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from api.targets import upload_target
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.lifecycle import DatasetState
from wallscan.records import datasets
from wallscan.records.session import snapshot, transaction
from wallscan.storage import ObjectMissing, keys
from wallscan.wire.common import Page
from wallscan.wire.trainings import Dataset, DatasetUpload, NewDataset
from wallscan.wire.uploads import UploadTarget

router = APIRouter(tags=["trainings"])
admin_router = APIRouter(tags=["trainings"])
_BY_TIME: TypeAdapter[tuple[dt.datetime, UUID]] = TypeAdapter(tuple[dt.datetime, UUID])


@router.get("/datasets")
def list_datasets(services: Services, limit: Limit = 100, cursor: Cursor = None) -> Page[Dataset]:
    """Data sets, newest first."""
    after = begin(cursor, _BY_TIME)
    with snapshot(services.engine) as session:
        rows = datasets.page(session, after, limit + 1)
    return page(rows, limit, _BY_TIME, lambda dataset: (dataset.created_at, dataset.id))


@router.get("/datasets/{dataset_id}")
def get_dataset(dataset_id: UUID, services: Services) -> Dataset:
    """One data set."""
    with snapshot(services.engine) as session:
        return datasets.get(session, dataset_id)


@admin_router.post("/datasets", status_code=201)
def create_dataset(new: NewDataset, services: Services) -> DatasetUpload:
    """Announce a zip file of annotated photos; PUT it to its target, then call `complete`.

    The same content is there once, under the name it was announced with first.
    """
    with transaction(services.engine) as session:
        dataset = datasets.announce(session, new)
    is_here = dataset.state is DatasetState.STORED
    return DatasetUpload(dataset=dataset, target=None if is_here else _target(services, dataset))


@admin_router.post("/datasets/{dataset_id}/complete")
def complete_dataset(dataset_id: UUID, services: Services) -> Dataset:
    """Say that the bytes are there; from now on the data set can be trained on."""
    with transaction(services.engine) as session:
        dataset = datasets.get(session, dataset_id)
    if dataset.state is DatasetState.STORED:
        return dataset
    try:
        # The address that was handed out takes the announced bytes alone.
        services.store.stat(keys.dataset(dataset_id))
    except ObjectMissing as error:
        raise TrainingError(
            Code.DATASET_NOT_UPLOADED, f"storage does not hold the data set {dataset.name[:80]!r}"
        ) from error
    with transaction(services.engine) as session:
        datasets.stored(session, dataset_id)
        return datasets.get(session, dataset_id)


def _target(services: AllServices, dataset: Dataset) -> UploadTarget:
    return upload_target(
        services,
        keys.dataset(dataset.id),
        size_bytes=dataset.size_bytes,
        sha256=dataset.sha256,
        content_type="application/zip",
    )
