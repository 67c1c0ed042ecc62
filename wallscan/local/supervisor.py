"""Starts children, restarts those that die, stops them in order."""

import logging
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from wallscan.domain.codes import Code
from wallscan.local.errors import LocalError
from wallscan.local.group import ProcessGroup, Program

_log = logging.getLogger(__name__)

_WATCH_S = 0.2
_PROBE_S = 0.03
_BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)  # waits before the restarts of a child that keeps dying
_STEADY_S = 30.0  # a child that ran this long was well: its deaths are counted anew
_LOOP_DEATHS = 3  # deaths in a row that are called a crash loop


@dataclass(frozen=True, slots=True)
class Child:
    """A program kept running under a name; `answers` tells whether it does its work by now."""

    name: str
    program: Program
    answers: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 4.0  # then it is killed


@dataclass(slots=True, eq=False)
class _Kept:
    child: Child
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    deaths: int = 0  # in a row
    restart_at: float | None = None  # None while it runs


class Supervisor:
    """Keeps children of one group running, from `open` to `close`."""

    def __init__(self, group: ProcessGroup, restarted: Callable[[], None] = lambda: None) -> None:
        """`restarted` is called, from another thread, when a child has a new process id."""
        self._group = group
        self._restarted = restarted
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        self._orders: queue.SimpleQueue[tuple[Child, Future[None]] | None] = queue.SimpleQueue()
        # A child ends with the thread that made it (see `spawn`): this one makes them all.
        self._thread = threading.Thread(target=self._watch, name="wallscan-supervisor", daemon=True)
        self._thread.start()

    def start(self, children: Iterable[Child]) -> None:
        """Start children side by side and return; `wait` tells when they answer."""
        orders: list[tuple[Child, Future[None]]] = [(child, Future()) for child in children]
        for order in orders:
            self._orders.put(order)
        for _, started in orders:
            started.result()

    def wait(self, names: Iterable[str], timeout_s: float) -> None:
        """Return when all of these answer. Raises LocalError `server_start_failed` with the log's end."""
        waiting = [self._kept[name] for name in names]
        deadline = time.monotonic() + timeout_s
        while waiting:
            for kept in list(waiting):
                if kept.deaths >= _LOOP_DEATHS or time.monotonic() > deadline:
                    raise _failure(kept)
                if kept.child.answers():
                    _log.info("%s answers after %.1f s", kept.child.name, time.monotonic() - kept.started)
                    waiting.remove(kept)
            time.sleep(_PROBE_S if waiting else 0)

    def pids(self) -> dict[str, int]:
        """The process ids of the children that run, by name: that of a dead one may be another's by now."""
        with self._lock:
            running = {name: kept.process for name, kept in self._kept.items() if kept.process.poll() is None}
        return {name: process.pid for name, process in running.items()}

    def stop(self, names: Iterable[str]) -> None:
        """Stop children side by side; unknown names are passed over."""
        with self._lock:
            leaving = [self._kept.pop(name) for name in list(names) if name in self._kept]
        for kept in leaving:
            kept.process.send_signal(kept.child.stop_signal)
        for kept in leaving:
            _end(kept)

    def close(self) -> None:
        """Stop watching, once the children are stopped."""
        self._orders.put(None)
        self._thread.join()

    def _watch(self) -> None:
        while True:
            try:
                order = self._orders.get(timeout=_WATCH_S)
            except queue.Empty:
                self._tend_all()
                continue
            if order is None:
                return
            self._obey(*order)

    def _obey(self, child: Child, started: "Future[None]") -> None:
        try:
            process = self._group.start(child.program)
            with self._lock:
                self._kept[child.name] = _Kept(child, process)
            started.set_result(None)
        except OSError as error:
            started.set_exception(error)

    def _tend_all(self) -> None:
        try:
            self._group.keep_guarded()
        except OSError as error:  # no memory, no process left: the next round tries again
            _log.error("the guardian cannot be started: %s", error)
        with self._lock:
            restarted = [kept.process.pid for kept in self._kept.values() if self._tend(kept)]
        if restarted:
            try:
                self._restarted()
            except OSError:  # a full disk, say; this thread must go on
                _log.exception("the new process ids could not be written down")

    def _tend(self, kept: _Kept) -> bool:
        """Look after one child; true where it was started again."""
        now = time.monotonic()
        if kept.restart_at is None and kept.process.poll() is not None:
            _plan_restart(kept, now)
        if kept.restart_at is None or now < kept.restart_at:
            return False
        try:
            kept.process = self._group.start(kept.child.program)
        except OSError as error:  # no memory, no process left: try again, and never end this thread
            _log.error("%s cannot be started: %s", kept.child.name, error)
            kept.restart_at = now + _BACKOFF_S[-1]
            return False
        kept.started, kept.restart_at = now, None
        return True


def _plan_restart(kept: _Kept, now: float) -> None:
    kept.deaths = 1 if now - kept.started > _STEADY_S else kept.deaths + 1
    wait_s = _BACKOFF_S[min(kept.deaths, len(_BACKOFF_S)) - 1]
    kept.restart_at = now + wait_s
    name, how = kept.child.name, _how_it_ended(kept.process.returncode)
    if kept.deaths < _LOOP_DEATHS:
        _log.warning("%s %s; starting it again", name, how)
    else:
        _log.error(
            "%s keeps stopping: %d times in a row, now it %s. Next start in %g s. The end of %s:\n%s",
            name, kept.deaths, how, wait_s, kept.child.program.log, log_end(kept.child.program.log),
        )  # fmt: skip


def _how_it_ended(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"ended with status {returncode}"


def _end(kept: _Kept) -> None:
    try:
        kept.process.wait(kept.child.stop_s)
    except subprocess.TimeoutExpired:
        _log.warning("%s did not stop within %g s and is killed", kept.child.name, kept.child.stop_s)
        kept.process.kill()
        kept.process.wait()


def _failure(kept: _Kept) -> LocalError:
    what = f"stopped {kept.deaths} times" if kept.deaths else "does not answer"
    log = kept.child.program.log
    detail = f"{kept.child.name} did not start: it {what}. The end of {log}:\n{log_end(log)}"
    return LocalError(Code.SERVER_START_FAILED, detail)


def log_end(log: Path, lines: int = 8) -> str:
    """The last lines of a log file, or why it cannot be read: whoever reports a fault must not stumble."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, maxlen=lines)).rstrip()
    except OSError as error:
        return f"(no log: {error.strerror})"
