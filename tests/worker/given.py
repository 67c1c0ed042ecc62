"""Inspections with real photos in storage, and what must hold whatever happened to them."""

import hashlib
import uuid
from collections.abc import Mapping

from sqlalchemy import Engine, select

from tests.records.given import PROMPTS, Order, given_inspection, given_photos
from wallscan.domain.lifecycle import RUN_ENDED, TASK_ENDED, TaskState
from wallscan.domain.pipelines import FOUNDING
from wallscan.photos.masks import decode_mask_png
from wallscan.records import runs
from wallscan.records.session import transaction
from wallscan.records.tables import Item, Photo, Run, Task
from wallscan.storage import ObjectStore, keys


def given_submitted(
    engine: Engine,
    store: ObjectStore,
    model_id: uuid.UUID,
    photos: Mapping[str, bytes],
    prompts: tuple[str, ...] = PROMPTS,
) -> Order:
    """A run over these photos by path; ids in their order."""
    inspection_id, wall_id = given_inspection(engine)
    ids = []
    for path, data in photos.items():
        sha256 = hashlib.sha256(data).hexdigest()
        (photo_id,) = given_photos(
            engine, inspection_id, wall_id, 1, path=path, sha256=sha256, size_bytes=len(data)
        )
        store.put(keys.photo(inspection_id, photo_id), data, "application/octet-stream")
        ids.append(photo_id)
    with transaction(engine) as session:
        run_id = runs.submit(session, inspection_id, model_id, prompts, dict(FOUNDING))
    return Order(inspection_id, wall_id, run_id, ids)


def outcomes(engine: Engine, order: Order) -> dict[str, str]:
    """State or, of a failed photo, code by path."""
    with transaction(engine) as session:
        rows = session.execute(
            select(Photo.path, Task.state, Task.code)
            .join(Task, Task.photo_id == Photo.id)
            .where(Task.run_id == order.run_id)
        )
        return {path: code or state.value for path, state, code in rows}


def read_run(engine: Engine, order: Order) -> Run:
    with transaction(engine) as session:
        run = session.get(Run, order.run_id)
        assert run is not None
        return run


def assert_nothing_lost(engine: Engine, store: ObjectStore, order: Order) -> None:
    """The run has ended; every photo is done or says why not; every mask is there, whole, and of its size."""
    assert read_run(engine, order).state in RUN_ENDED
    with transaction(engine) as session:
        run = session.get(Run, order.run_id)
        assert run is not None
        tasks = session.scalars(select(Task).where(Task.run_id == order.run_id)).all()
        items = session.execute(
            select(Item, Photo).join(Photo, Photo.id == Item.photo_id).where(Item.run_id == order.run_id)
        ).all()
    assert {task.photo_id for task in tasks} == set(order.photo_ids)
    assert all(task.state in TASK_ENDED for task in tasks)
    assert all((task.code is not None) == (task.state is TaskState.FAILED) for task in tasks)
    succeeded = {task.photo_id for task in tasks if task.state is TaskState.SUCCEEDED}
    wanted = {(photo_id, index) for photo_id in succeeded for index in range(len(run.prompts))}
    assert {(item.photo_id, item.prompt_index) for item, _ in items} == wanted
    for item, photo in items:
        data = store.get(item.mask_key)
        assert hashlib.sha256(data).hexdigest() == item.mask_sha256
        assert decode_mask_png(data).shape == (photo.height_px, photo.width_px)
