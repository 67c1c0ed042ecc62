"""Trainings on tiny data, ordered as the API does."""

# ruff: noqa: ARG002 - the arguments are those of `fit`

import datetime as dt
import hashlib
import io
import shutil
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from trainer.checkpoint import BEST, LAST
from trainer.data import Photos
from trainer.jobs import run_training
from trainer.origin import Origin
from trainer.recipe import Recipe
from trainer.watch import Epoch, TrainingCancelled, Watcher
from wallscan.models import read_manifest
from wallscan.models.manifest import Manifest
from wallscan.records import datasets, trainings
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction
from wallscan.records.training_tables import Training
from wallscan.storage import ObjectStore, keys
from wallscan.wire.trainings import NewDataset, NewTraining, TrainingDetail


def zipped(folder: Path) -> bytes:
    """All files of a folder, under their paths there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()


def given_dataset(engine: Engine, store: ObjectStore, data: bytes, sha256: str | None = None) -> uuid.UUID:
    """A data set in storage; `sha256` is another than its bytes' own."""
    announced = sha256 or hashlib.sha256(data).hexdigest()
    with transaction(engine) as session:
        made = datasets.announce(session, NewDataset(name="walls", size_bytes=len(data), sha256=announced))
        datasets.stored(session, made.id)
    store.put(keys.dataset(made.id), data, "application/zip")
    return made.id


def given_training(
    engine: Engine, dataset_id: uuid.UUID, recipe: Recipe | dict[str, Any] | str, **changes: Any
) -> uuid.UUID:
    document = recipe.model_dump(mode="json") if isinstance(recipe, Recipe) else recipe
    order = {"name": "test/tuned", "recipe": document, "dataset_ids": [dataset_id]}
    with transaction(engine) as session:
        return trainings.order(session, NewTraining.model_validate(order | changes)).id


def read(engine: Engine, training_id: uuid.UUID) -> TrainingDetail:
    with transaction(engine) as session:
        return trainings.get(session, training_id)


class Script:
    """In the place of `fit`: steps that take no time, four to an epoch, then a bundle that was made before.

    Asked to stop before its first step it does, as a recipe that caches activations.

    A checkpoint's bytes are its step. `at` says what happens right after a step, within the training.
    """

    def __init__(self, bundle: Path, steps: int = 10) -> None:
        self.bundle, self.steps = bundle, steps
        self.at: dict[int, Callable[[], None]] = {}
        self.begun_at: list[int] = []
        self.bases: list[Path | None] = []

    def __call__(
        self,
        recipe: Recipe,
        data: Photos,
        work: Path,
        out: Path,
        name: str,
        base: Path | None,
        watcher: Watcher,
        origin: Origin,
    ) -> Manifest:
        step = int((work / LAST).read_text()) if (work / LAST).is_file() else 0
        self.begun_at.append(step)
        self.bases.append(base)
        watcher.prepared("Cache", 1, 1)
        if watcher.cancelled():
            raise TrainingCancelled
        while step < self.steps:
            step += 1
            watcher.stepped(step, self.steps, loss=float("nan"))
            self.at.get(step, lambda: None)()
            if step % 4 == 0:
                (work / BEST).write_text(f"{step}")
                watcher.epoch_ended(Epoch(step // 4, step, 1.0, float("nan"), 0.1 * step, 0.01, 2.0))
            cancelled = watcher.cancelled()
            (work / LAST).write_text(f"{step}")
            watcher.saved(work)
            if cancelled and not (work / BEST).is_file():
                raise TrainingCancelled
            if cancelled:
                break
        shutil.copytree(self.bundle, out)
        return read_manifest(out)


def versions(engine):
    with transaction(engine) as session:
        return list(session.scalars(select(ModelVersion)))


def stored_checkpoints(service, training_id):
    prefix = keys.training(training_id)
    return [key.removeprefix(prefix) for key in service.store.list(prefix)]


def let_lease_run_out(service):
    with transaction(service.engine) as session:
        session.execute(update(Training).values(lease_until=func.now() - dt.timedelta(seconds=1)))


def cancel(service, training_id):
    with transaction(service.engine) as session:
        trainings.cancel(session, training_id)


def die():
    """As a process that is killed: nothing is recorded, nothing is given back."""
    raise KeyboardInterrupt


def killed_at(service, script, training_id, step):
    script.at[step] = die
    with pytest.raises(KeyboardInterrupt):
        run_training(service, training_id)
    del script.at[step]
    let_lease_run_out(service)
