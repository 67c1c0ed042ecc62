"""The cache of models that the processes of a machine share: locks, and folders to make something in."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

Purpose = Literal["compiling", "fetching"]

_LOCK = "lock"
_PURPOSES: tuple[Purpose, ...] = ("compiling", "fetching")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`: one process of the machine works, the others wait for it.

    The lock ends with its holder, however that ends. Raises OSError where the file cannot be opened.
    """
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch(cache: Path, purpose: Purpose) -> Iterator[Path]:
    """An empty folder in the cache, on the disk where its content is to be moved to; gone afterwards.

    What killed processes left of theirs goes first. Raises OSError where the cache cannot be written.
    """
    with locked(cache / ".scratch.lock"):
        _remove_left_behind(cache)
        place = Path(tempfile.mkdtemp(dir=cache, prefix=f".{purpose}-"))
        holder = _held(place / _LOCK, "w")
    try:
        folder = place / "made"
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(place, ignore_errors=True)
        holder.close()


def _remove_left_behind(cache: Path) -> None:
    """Called under the lock that folders are made under: none is seen before its own lock is held."""
    for purpose in _PURPOSES:
        for place in cache.glob(f".{purpose}-*"):
            if not _in_use(place):
                shutil.rmtree(place, ignore_errors=True)


def _in_use(place: Path) -> bool:
    """Whether its maker lives; what cannot be told counts as in use."""
    try:
        _held(place / _LOCK, "r+").close()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _held(path: Path, mode: str) -> IO[str]:
    """The file with its lock. Raises BlockingIOError where another holds it."""
    file = path.open(mode)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
