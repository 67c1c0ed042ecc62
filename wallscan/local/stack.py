"""The whole system on one machine, from `with Stack(...)` to the end of the block."""

import logging
import os
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from wallscan.domain.codes import Code
from wallscan.local import postgres
from wallscan.local.access import own_key
from wallscan.local.data import DataFolder, State
from wallscan.local.errors import LocalError
from wallscan.local.group import ProcessGroup
from wallscan.local.ports import LOOPBACK, is_free
from wallscan.local.servers import Outside, Servers
from wallscan.local.services import Services, environment
from wallscan.local.supervisor import Supervisor

_log = logging.getLogger(__name__)

_START_S = 300.0  # generous: a busy machine is no error, and what crashes is told at once


class Stack:
    """A running system: real servers and services as children of this process, which end with it.

    Within the block: `url` (of the API), `api_key` (may do everything) and `env` (the variables by which
    another process of the product finds the servers). Entering raises LocalError: `stack_busy`,
    `server_binary_missing` or `server_start_failed`.
    """

    url: str
    api_key: str
    env: dict[str, str]

    def __init__(
        self,
        data_dir: Path,
        *,
        workers: int | None = None,
        trainer: bool = True,
        port: int | None = None,
        keep: bool = True,
    ) -> None:
        """`workers`: processes that look at photos, one per core by default. `keep=False` deletes all data
        at the end of the block. `port`: of the API, else that of the last time or a free one.
        """
        self._data_dir = data_dir
        self._workers = workers or usable_cores()
        self._trainer = trainer
        self._port = port
        self._keep = keep

    def __enter__(self) -> Self:
        started = time.monotonic()
        self._data = DataFolder(self._data_dir)
        try:
            self._open()
        except OSError as error:  # a full disk, as a rule
            detail = f"the stack in {self._data.path} cannot be started: {error}"
            raise LocalError(Code.SERVER_START_FAILED, detail) from error
        _log.info("everything answers after %.1f s", time.monotonic() - started)
        return self

    def _open(self) -> None:
        try:
            self._data.write_state(State(pid=os.getpid(), ports=self._data.state().ports))
            self._group = ProcessGroup(self._data.lock_fd)
        except BaseException:
            self._data.unlock()
            raise
        self._supervisor = Supervisor(self._group, self._write_state)
        promised = [self._port] if self._port else []
        self._servers = Servers(self._data, self._supervisor, Outside(), promised=promised)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        if self._port and not is_free(self._port):
            # Another API there would answer in the place of ours, which cannot listen.
            detail = f"port {self._port} of {LOOPBACK} is taken, or may not be listened on"
            raise LocalError(Code.SERVER_START_FAILED, detail)
        addresses = self._servers.start()
        self.env = environment(addresses)
        services = Services(self._data, self.env)
        services.once("migrate", "-m", "alembic", "upgrade", "head")
        if self._port:
            self._servers.ports["api"] = self._port
        self.url = f"http://127.0.0.1:{self._servers.ports['api']}"
        children = [services.api(self._servers.ports["api"]), services.workers(self._workers)]
        if self._trainer:
            children.append(services.trainer())
        self._supervisor.start(children)
        services.once("seed", "-m", "api.seed")
        self.api_key = own_key(self._data, self.env["DATABASE_URL"])
        self._supervisor.wait([child.name for child in children], _START_S)
        self._supervisor.start([services.sweeper()])  # last: nobody waits for it
        self._write_state()

    def _write_state(self) -> None:
        children = self._supervisor.pids()
        url = getattr(self, "url", None)
        state = State(pid=os.getpid(), url=url, ports=self._servers.ports, children=children)
        self._data.write_state(state)

    def _stop(self) -> None:
        started = time.monotonic()
        self._supervisor.stop(["sweeper", "worker", "trainer", "api"])
        self._servers.stop()
        self._supervisor.close()
        self._group.end()
        self._write_end()
        if not self._keep:
            shutil.rmtree(postgres.home(self._data), ignore_errors=True)
            shutil.rmtree(self._data.path)
        self._data.unlock()
        _log.info("everything stopped after %.1f s", time.monotonic() - started)

    def _write_end(self) -> None:
        try:
            self._data.write_state(State(ports=self._data.state().ports))
        except OSError as error:  # a full disk must not change how the command ends: the children are gone
            _log.warning("the end could not be written down in %s: %s", self._data.path, error)


def usable_cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
