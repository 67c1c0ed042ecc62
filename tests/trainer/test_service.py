"""The service as it runs: real worker processes, killed, and messages that come twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy import select

from tests.trainer.jobs import given_dataset, given_training, read, zipped
from tests.trainer.small import Notes, small_recipe
from trainer.fit import fit
from wallscan.domain.lifecycle import TRAINING_ENDED, TrainingState
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import TRAINER_QUEUE, RunTraining
from wallscan.jobs.send import send
from wallscan.models.manifest import Manifest
from wallscan.records import trainings
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction
from wallscan.records.training_tables import Training
from worker.sweeper import Sweeper, SweepSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
PATIENCE_S = 500.0  # generous: a busy machine is no error
LEASE_S = 5.0


@pytest.fixture
def environment(servers, database_url, redis_url, store) -> dict[str, str]:
    s3 = servers.s3
    return os.environ | {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "S3_ENDPOINT_URL": s3.s3_endpoint_url or "",
        "S3_BUCKET": s3.s3_bucket,
        "AWS_ACCESS_KEY_ID": s3.aws_access_key_id or "",
        "AWS_SECRET_ACCESS_KEY": s3.aws_secret_access_key.get_secret_value(),
        "TRAINING_LEASE_S": str(LEASE_S),
        "TRAINING_CHECKPOINT_EVERY_S": "0",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def sweeper(engine, redis_url) -> Sweeper:
    app = make_celery(QueueSettings(redis_url=redis_url), "sweeper")
    return Sweeper(engine, app, SweepSettings(database_url="unused", sweep_check_resend_s=3600))


@contextmanager
def started(environment, log: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A trainer in a process group of its own, killed with all its children at the end."""
    argv = [sys.executable, "-m", "celery", "-A", "tests.trainer.short_visibility", "worker"]
    options = ["-Q", TRAINER_QUEUE, "-c", "1", "-n", f"{name}@here", "-l", "INFO", "--without-mingle"]
    with log.open("ab") as output:
        worker = subprocess.Popen(
            [*argv, *options], cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield worker
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def until(sweeper: Sweeper, happened: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-5000:]
        sweeper.sweep()
        time.sleep(0.1)


def has_checkpoint(engine, training_id) -> bool:
    with transaction(engine) as session:
        return session.get_one(Training, training_id).checkpoint is not None


def versions(engine) -> list[ModelVersion]:
    with transaction(engine) as session:
        return list(session.scalars(select(ModelVersion)))


def weights(manifest: Manifest) -> dict[str, str]:
    return {
        file.name: file.sha256 for file in manifest.files if file.name.endswith((".safetensors", ".json"))
    }


def test_killed_it_ends_as_if_nothing_had_been_and_messages_that_come_twice_change_nothing(
    engine, store, environment, sweeper, data, photos, tmp_path
):
    recipe = small_recipe(steps=24, epoch_steps=8, checkpoint_every=3)
    dataset_id = given_dataset(engine, store, zipped(data))
    training_id = given_training(engine, dataset_id, recipe)
    log = tmp_path / "trainer.log"

    with started(environment, log, "first"):
        until(sweeper, lambda: has_checkpoint(engine, training_id), log)
    killed = read(engine, training_id)
    assert (killed.state, killed.attempt) == (TrainingState.RUNNING, 1)
    assert killed.step < recipe.steps

    with started(environment, log, "second"), started(environment, log, "third"):
        until(sweeper, lambda: read(engine, training_id).attempt == 2, log)
        assert send(sweeper.app, [RunTraining(training_id=training_id)] * 3) == 3  # the third takes them
        until(sweeper, lambda: read(engine, training_id).state in TRAINING_ENDED, log)
        with redis.Redis.from_url(environment["REDIS_URL"]) as broker:
            until(sweeper, lambda: not broker.llen(TRAINER_QUEUE) and not broker.hlen("unacked"), log)

    done = read(engine, training_id)
    assert (done.state, done.attempt, done.step) == (TrainingState.SUCCEEDED, 2, recipe.steps)
    assert [(epoch.number, epoch.step) for epoch in done.epochs] == [(1, 8), (2, 16), (3, 24)]
    (model,) = versions(engine)
    assert (model.id, model.state) == (done.model_id, "ready")
    whole = fit(recipe, photos, tmp_path / "work", tmp_path / "bundle", "test/tuned", None, Notes())
    assert weights(Manifest.model_validate(model.manifest)) == weights(whole)


def test_longer_than_the_visibility_timeout_it_runs_once_and_cancelled_keeps_its_best(
    engine, store, environment, sweeper, data, tmp_path
):
    recipe = small_recipe(steps=100_000, epoch_steps=5, average_decay=0.5)
    training_id = given_training(engine, given_dataset(engine, store, zipped(data)), recipe)
    log = tmp_path / "trainer.log"
    with started(environment, log, "first"), started(environment, log, "second"):
        began = time.monotonic()
        until(
            sweeper,
            lambda: time.monotonic() - began > 10 and bool(read(engine, training_id).epochs),
            log,
        )
        with transaction(engine) as session:
            trainings.cancel(session, training_id)
        until(sweeper, lambda: read(engine, training_id).state in TRAINING_ENDED, log)
    done = read(engine, training_id)
    assert (done.state, done.attempt) == (TrainingState.CANCELLED, 1)
    (model,) = versions(engine)
    assert (model.id, model.state) == (done.model_id, "ready")
    assert log.read_text(errors="replace").count("received") == 1
