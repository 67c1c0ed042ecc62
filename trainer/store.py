"""Arrays on disk that are filled from their start on, and go on being filled after a kill."""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

SYNC_EVERY = 256
ASK_EVERY_S = 1.0


class Rows:
    """An array (rows, ...) in a file, read through the page cache."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._path, self._shape, self._dtype = path, shape, np.dtype(dtype)

    @cached_property
    def array(self) -> NDArray[np.generic]:
        """The rows; the file is opened by the process that asks."""
        return np.memmap(self._path, self._dtype, "r+", shape=self._shape)

    def __getstate__(self) -> dict[str, object]:
        """Without the open file, which would travel to other processes as a copy of all it holds."""
        return {name: value for name, value in vars(self).items() if name != "array"}

    def reserve(self) -> None:
        """Claim the space on disk: writing to a mapped file on a full disk would end the process."""
        size = int(np.prod(self._shape)) * self._dtype.itemsize
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                    raise
                self._path.unlink()
                raise TrainingError(
                    Code.DISK_TOO_SMALL, f"{self._path.name} needs {size / 1e9:.1f} GB in {self._path.parent}"
                ) from error

    def sync(self) -> None:
        """Return once all that was written is on disk."""
        with self._path.open("r+b") as file:
            os.fsync(file.fileno())


class Store:
    """Rows by name, `count` of each, and how many of them are there for good."""

    def __init__(
        self, folder: Path, count: int, kinds: Mapping[str, tuple[tuple[int, ...], DTypeLike]]
    ) -> None:
        """`kinds` gives the shape and dtype of one row of each name."""
        self.count = count
        self.rows = {
            name: Rows(folder / name, (count, *shape), dtype) for name, (shape, dtype) in kinds.items()
        }
        self._folder, self._done_file = folder, folder / "done"

    @property
    def done(self) -> int:
        """Finished rows."""
        return int(self._done_file.read_text()) if self._done_file.is_file() else 0

    @contextmanager
    def alone(self, wait: Callable[[], None]) -> Iterator[None]:
        """Nobody else fills the store while the block runs; until then `wait` is called now and then.

        A lock that its process leaves when it dies, however it does.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            while not _locked(lock.fileno()):
                wait()
                time.sleep(ASK_EVERY_S)
            yield

    def reserve(self) -> None:
        """Claim the space on disk. Raises TrainingError `disk_too_small`."""
        for rows in self.rows.values():
            rows.reserve()

    def put(self, first: int, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Write rows of each name from row `first` on; now and then, and at the end, they are counted."""
        for name, array in arrays.items():
            self.rows[name].array[first : first + len(array)] = array
        done = first + len(array)
        if done == self.count or done // SYNC_EVERY > first // SYNC_EVERY:
            for rows in self.rows.values():
                rows.sync()
            temporary = self._done_file.with_suffix(".new")
            temporary.write_text(str(done))
            temporary.replace(self._done_file)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
