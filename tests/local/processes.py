"""Looking at processes, and waiting for what must happen to them."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie: a container's first process may never reap."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # gone in between, or a system without /proc
        return not Path("/proc").exists()


def descendants(pid: int) -> set[int]:
    """All living children of the process, their children, and so on (Linux)."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended in between
            for child in map(int, task.read_text().split()):
                found |= {child} | descendants(child)
    return found


def eventually(happened: Callable[[], bool], within_s: float = 20) -> None:
    """Return once it happened; fail if it never does."""
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def kill(pid: int) -> None:
    """Kill a process that a test started; any other has the id of one that is gone."""
    assert pid in descendants(os.getpid()) or not Path("/proc").exists()
    os.kill(pid, signal.SIGKILL)
