"""What the local disk refuses, as errors that name the file and whose fault it is."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wallscan.client.errors import FileError, OutputError, ScratchError
from wallscan.domain.codes import Code

SCRATCH = "the temporary folder (TMPDIR)"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""What no reading ends with: a copy that is written meanwhile does."""


@contextmanager
def writing(place: Path | str) -> Iterator[None]:
    """Raises OutputError `output_unwritable` for every OSError of the block."""
    try:
        yield
    except OSError as error:
        raise OutputError(Code.OUTPUT_UNWRITABLE, _told(place, error)) from error


@contextmanager
def copying(place: str = SCRATCH) -> Iterator[None]:
    """Raises ScratchError `output_unwritable` where `place` is full: what is copied there is not at fault."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise ScratchError(Code.OUTPUT_UNWRITABLE, _told(place, error)) from error


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Raises FileError `file_unreadable` for an OSError of the block; of a full disk see `copying`."""
    try:
        with copying():
            yield
    except OSError as error:
        place, reason = error.filename or path, error.strerror or error
        raise FileError(Code.FILE_UNREADABLE, f"{place} cannot be read: {reason}") from error


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder, there while the block runs. Raises ScratchError where none can be made."""
    try:
        made = tempfile.TemporaryDirectory(prefix="wallscan-")
    except OSError as error:
        raise ScratchError(Code.OUTPUT_UNWRITABLE, _told(SCRATCH, error)) from error
    with made as folder:
        yield Path(folder)


def _told(place: Path | str, error: OSError) -> str:
    return f"{place} cannot be written: {error.strerror or error}"
