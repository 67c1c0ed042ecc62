"""The worker as it is run: Celery's command, a real network, one child killed on the way."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.processes import descendants, eventually, kill
from tests.photos import zips
from tests.photos.pictures import encode, wall
from tests.worker.given import assert_nothing_lost, given_submitted, outcomes, read_run
from tests.worker.test_archives import given_archive, photos_of, read
from wallscan.domain.lifecycle import RUN_ENDED, ArchiveState, PhotoState
from wallscan.local.servers import Addresses
from wallscan.local.services import environment

# Seconds as a rule; each wait inside gives a busy machine minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[2]
WITHIN_S = 240.0  # generous: a busy machine is no error


@pytest.fixture
def env(servers, database_url, redis_url, tmp_path) -> dict[str, str]:
    ours = {
        "WALLSCAN_MODEL_CACHE": str(tmp_path / "models"),
        "TASK_LEASE_S": "5",
        "SWEEP_EVERY_S": "0.3",
        "OMP_NUM_THREADS": "1",
        "REMAP_SIGTERM": "SIGQUIT",
    }
    return {**os.environ, **environment(Addresses(redis_url, database_url, servers.s3)), **ours}


@pytest.fixture
def started(env):
    """Starts `python -m MODULE ...` in the repository; ends it with the test, by the signal that asks."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*argv: str) -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen([sys.executable, "-m", *argv], env=env, cwd=REPOSITORY))
        return running[-1]

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(60) for process in running] == [0] * len(running)


def test_a_run_through_the_real_worker_and_sweeper(engine, store, model_id, started):
    photos = {f"north/{seed}.jpg": encode(wall(800, 600, seed)) for seed in range(6)}
    order = given_submitted(engine, store, model_id, photos)
    archive_id = given_archive(engine, store, zips.make(photos))
    started("worker.sweeper")  # nobody sent a message: it rings
    worker = started("celery", "-A", "worker.main", "worker", "-Q", "inspect,intake", "-c", "1", "-l", "INFO")

    def count_succeeded() -> int:
        return list(outcomes(engine, order).values()).count("succeeded")

    eventually(lambda: count_succeeded() >= 2, WITHIN_S)
    for child in descendants(worker.pid):
        kill(child)
    eventually(lambda: read_run(engine, order).state in RUN_ENDED, WITHIN_S)
    eventually(lambda: read(engine, archive_id).state is ArchiveState.SUCCEEDED, WITHIN_S)
    assert {photo.state for photo in photos_of(engine, archive_id).values()} == {PhotoState.STORED}
    assert_nothing_lost(engine, store, order)
    assert count_succeeded() == 6
