"""The product's own processes as children: API, workers, trainer worker, sweeper."""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError

import wallscan
from wallscan.domain.codes import Code
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import INSPECT_QUEUE, INTAKE_QUEUE, TRAINER_QUEUE
from wallscan.local.data import DataFolder
from wallscan.local.errors import LocalError
from wallscan.local.group import Program
from wallscan.local.ports import LOOPBACK
from wallscan.local.probes import http_answers
from wallscan.local.servers import Addresses
from wallscan.local.supervisor import Child, log_end

_VARIABLES = (
    "DATABASE_URL",
    "REDIS_URL",
    "S3_ENDPOINT_URL",
    "S3_PUBLIC_ENDPOINT_URL",
    "S3_BUCKET",
    "S3_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
)
_PING_S = 0.3
_SOURCES = ("api", "worker", "trainer", "migrations")


def environment(addresses: Addresses) -> dict[str, str]:
    """The environment variables by which every process of the product finds the three servers."""
    s3 = addresses.s3
    secret = s3.aws_secret_access_key
    values = (
        addresses.database_url,
        addresses.redis_url,
        s3.s3_endpoint_url,
        s3.s3_public_endpoint_url,
        s3.s3_bucket,
        s3.s3_region,
        s3.aws_access_key_id,
        secret.get_secret_value() if secret else None,
    )
    return {name: value for name, value in zip(_VARIABLES, values, strict=True) if value is not None}


def source_folder() -> Path:
    """The folder that holds `api`, `worker`, `trainer` and `migrations`, which no wheel ships.

    Raises LocalError `server_binary_missing` where there is none: install from a checkout, editable.
    """
    for folder in (Path(wallscan.__file__).resolve().parents[1], Path.cwd()):
        if all((folder / name / "__init__.py").exists() for name in _SOURCES):
            return folder
    detail = "The services are in no wheel: run from a checkout, or set WALLSCAN_URL to a running API"
    raise LocalError(Code.SERVER_BINARY_MISSING, detail)


class Services:
    """Makes the children of one stack; `env` is what `environment` gave."""

    def __init__(self, data: DataFolder, env: Mapping[str, str]) -> None:
        self._data = data
        around = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
        self._env = {**around, "PYTHONUNBUFFERED": "1", **env}
        self._source = source_folder()
        self._celery: Celery = make_celery(QueueSettings(redis_url=env["REDIS_URL"]), "launcher")

    def once(self, name: str, *argv: str) -> str:
        """Run Python to its end and return what it printed. Raises LocalError `server_start_failed`."""
        program = self._program(name, *argv)
        with program.log.open("wb") as log:
            done = subprocess.run(
                program.argv,
                env=program.env,
                cwd=program.cwd,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=False,
            )
        if done.returncode:
            detail = f"{name} failed. The end of {program.log}:\n{log_end(program.log)}"
            raise LocalError(Code.SERVER_START_FAILED, detail)
        return done.stdout

    def api(self, port: int) -> Child:
        """The API on a port of the loopback address."""
        argv = ("-m", "uvicorn", "--factory", "api.main:create_app", "--host", LOOPBACK, "--port", str(port))
        # The API logs requests itself; a client that waits for a change must not hold up the end.
        quiet = ("--no-access-log", "--timeout-graceful-shutdown", "3")
        return Child("api", self._program("api", *argv, *quiet), partial(http_answers, port, "/readyz"))

    def workers(self, count: int) -> Child:
        """One Celery worker with `count` processes, each with one thread for its arithmetic."""
        queues = f"{INSPECT_QUEUE},{INTAKE_QUEUE}"
        return self._worker("worker", "worker.main", queues, count, {"OMP_NUM_THREADS": "1"})

    def trainer(self) -> Child:
        """The worker of long tasks, one at a time."""
        return self._worker("trainer", "trainer.main", TRAINER_QUEUE, 1, {})

    def sweeper(self) -> Child:
        """The sweeper. It answers nobody."""
        return Child("sweeper", self._program("sweeper", "-m", "worker.sweeper"), lambda: True)

    def _worker(self, name: str, app: str, queues: str, count: int, env: Mapping[str, str]) -> Child:
        node = f"{name}@{self._data.secrets.instance}"
        options = ("-Q", queues, "-c", str(count), "-n", node, "-l", "INFO")
        alone = ("--without-mingle", "--without-gossip")  # there is no other node to wait for
        program = self._program(name, "-m", "celery", "-A", app, "worker", *options, *alone, env=env)
        return Child(name, program, partial(self._pongs, node))

    def _pongs(self, node: str) -> bool:
        try:
            return bool(self._celery.control.ping(destination=[node], timeout=_PING_S))
        except OperationalError:  # the broker is being started again
            return False

    def _program(self, name: str, *argv: str, env: Mapping[str, str] | None = None) -> Program:
        return Program(
            [sys.executable, *argv], {**self._env, **(env or {})}, self._source, log=self._data.log(name)
        )
