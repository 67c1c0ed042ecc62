"""A folder for one attempt at a long task. A killed process cannot clear up; the next one does."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def _remove_abandoned(folder: Path) -> None:
    """The lock of a living process cannot be had; one without a lock file is being made just now."""
    with contextlib.suppress(OSError), (folder / _LOCK).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
