"""Folders that one process works in. A killed one cannot clear up; its locks end with it."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

_PREFIX = "wallscan-training-"
_LOCK = "lock"


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder while the block runs; those that dead processes left are removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_abandoned(left)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, Path(name, "unlocked").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # It is never there unlocked: another process would take the folder for a dead one's.
        Path(lock.name).rename(Path(name, _LOCK))
        folder = Path(name, "work")
        folder.mkdir()
        yield folder


@contextmanager
def alone_in(work: Path) -> Iterator[None]:
    """No other process trains in the folder while the block runs.

    Raises TrainingError `work_folder_taken` where one does.
    """
    work.mkdir(parents=True, exist_ok=True)
    with (work / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TrainingError(Code.WORK_FOLDER_TAKEN, f"another process trains in {work}") from error
        yield


def _remove_abandoned(folder: Path) -> None:
    """The lock of a living process cannot be had; one without a lock file is being made just now."""
    with contextlib.suppress(OSError), (folder / _LOCK).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
