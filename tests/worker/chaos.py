"""Real servers, worker and sweeper, all to be killed, under the product's own supervisor."""

import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis
from celery import Celery
from sqlalchemy import Engine, func, select

import migrations
from tests.local.processes import descendants, eventually, kill
from tests.photos.pictures import encode, wall
from tests.records.given import Order, given_model
from tests.servers import open_folder
from tests.worker.given import assert_nothing_lost, given_submitted, outcomes, read_run
from wallscan.domain.errors import UnavailableError
from wallscan.domain.lifecycle import RUN_ENDED, TASK_ENDED, RunState
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import InspectPhoto
from wallscan.jobs.send import send
from wallscan.local import valkey
from wallscan.local.data import DataFolder
from wallscan.local.group import ProcessGroup, Program
from wallscan.local.servers import Outside, Servers
from wallscan.local.services import environment
from wallscan.local.supervisor import Child, Supervisor
from wallscan.records.session import make_engine, transaction
from wallscan.records.tables import Task
from wallscan.storage import S3ObjectStore

REPOSITORY = Path(__file__).parents[2]
LEASE_S, SWEEP_EVERY_S, WINDOW = 5.0, 0.3, 16
WITHIN_S = 240.0  # generous: a busy machine is no error
_SETTINGS = {
    "TASK_LEASE_S": str(LEASE_S),
    "SWEEP_EVERY_S": str(SWEEP_EVERY_S),
    "SWEEP_GRACE_S": "2",
    "SWEEP_WINDOW": str(WINDOW),
    "OMP_NUM_THREADS": "1",
    "REMAP_SIGTERM": "SIGQUIT",
    "PYTHONUNBUFFERED": "1",
}


def marked(colour: tuple[int, ...]) -> bytes:
    """A photo of one colour, which `chaos_app` takes as an order."""
    return encode(np.full((48, 64, 3), colour, np.uint8), "PNG")


@dataclass
class Chaos:
    """The stack; children are known by their names: valkey, postgres, seaweedfs, sweeper, worker, ..."""

    data: DataFolder
    supervisor: Supervisor
    servers: Servers
    engine: Engine
    store: S3ObjectStore
    app: Celery
    env: Mapping[str, str]
    model_id: uuid.UUID

    def start_worker(self, name: str = "worker", processes: int = 2, **env: str) -> None:
        node = f"{name}@{uuid.uuid4().hex}"
        options = (
            "-Q",
            "inspect,intake",
            "-c",
            str(processes),
            "-n",
            node,
            "--without-mingle",
            "--without-gossip",
        )
        self._start(name, "celery", "-A", "tests.worker.chaos_app", "worker", "-l", "INFO", *options, **env)

    def start_sweeper(self, name: str = "sweeper") -> None:
        self._start(name, "worker.sweeper")

    def _start(self, name: str, *module_and_options: str, **env: str) -> None:
        argv = [sys.executable, "-m", *module_and_options]
        program = Program(argv, {**self.env, **env}, REPOSITORY, log=self.data.log(name))
        self.supervisor.start([Child(name, program, lambda: True, stop_s=60)])

    def submit(self, count: int, **special: bytes) -> Order:
        """A run over `count` good photos and special ones by name, with its messages sent."""
        photos = {f"good/{seed}.jpg": encode(wall(160, 120, seed)) for seed in range(count)}
        order = given_submitted(self.engine, self.store, self.model_id, photos | special)
        self.ring(order)
        return order

    def ring(self, order: Order) -> None:
        """As the API does, without marking them sent: the sweeper may ring, too."""
        send(self.app, [InspectPhoto(run_id=order.run_id, photo_id=photo) for photo in order.photo_ids])

    def start_broker(self) -> None:
        self.supervisor.start([valkey.child(self.data, self.servers.ports["valkey"])])

    def pid(self, name: str) -> int:
        """Once the child runs: it may have been killed just now."""
        eventually(lambda: name in self.supervisor.pids(), WITHIN_S)
        return self.supervisor.pids()[name]

    def kill(self, name: str) -> None:
        kill(self.pid(name))

    def worker_children(self, name: str = "worker") -> set[int]:
        return descendants(self.pid(name))

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.env["REDIS_URL"])

    def count_ended(self, order: Order) -> int:
        with transaction(self.engine) as session:
            ended = select(func.count()).where(Task.run_id == order.run_id, Task.state.in_(TASK_ENDED))
            return session.scalar(ended) or 0

    def until_ended(self, order: Order, count: int) -> None:
        """Wait until so many photos of the run have ended."""
        self.until(lambda: self.count_ended(order) >= count)

    def until_run_ended(self, order: Order) -> None:
        self.until(lambda: read_run(self.engine, order).state in RUN_ENDED)

    def until(self, happened: Callable[[], bool]) -> None:
        def despite_faults() -> bool:
            try:
                return happened()
            except UnavailableError:
                return False

        eventually(despite_faults, WITHIN_S)

    def log(self, name: str) -> str:
        return self.data.log(name).read_text(errors="replace")


def assert_all_succeeded(chaos: Chaos, order: Order) -> None:
    """Wait for the end of the run: nothing was lost, nothing is there twice, nothing failed."""
    chaos.until_run_ended(order)
    assert_nothing_lost(chaos.engine, chaos.store, order)
    assert set(outcomes(chaos.engine, order).values()) == {"succeeded"}
    assert read_run(chaos.engine, order).state is RunState.SUCCEEDED


@contextmanager
def started_chaos() -> Iterator[Chaos]:
    """Servers up, tables made, a model registered; no worker and no sweeper yet."""
    with open_folder() as folder:
        data = DataFolder(folder)
        group = ProcessGroup(data.lock_fd)
        supervisor = Supervisor(group)
        outside = Outside(redis_url=None, database_url=None, s3_endpoint_url=None)
        servers = Servers(data, supervisor, outside, durable=False)
        try:
            found = servers.start()
            migrations.upgrade(found.database_url)
            env = {
                **os.environ,
                **environment(found),
                **_SETTINGS,
                "WALLSCAN_MODEL_CACHE": str(folder / "models"),
            }
            engine, store = make_engine(found.database_url), S3ObjectStore(found.s3)
            app = make_celery(QueueSettings(redis_url=found.redis_url), "tests")
            yield Chaos(data, supervisor, servers, engine, store, app, env, given_model(engine))
            engine.dispose()
        finally:
            supervisor.stop(["worker", "worker-2", "sweeper", "sweeper-2"])
            servers.stop()
            supervisor.close()
            group.end()
            data.unlock()
