"""The folder that a report is written to: nothing is overwritten unasked, nothing lands outside."""

import datetime as dt
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from wallscan.client.disk import writing
from wallscan.client.errors import OutputError
from wallscan.domain.codes import Code
from wallscan.domain.prompts import slug
from wallscan.domain.walls import MAX_PATH_CHARS, normal_path

_FILES = ("report.json", "report.csv", "walls.csv", "report.html")
_FOLDERS = ("masks", "overlays")
_MARK = ".wallscan-report"
"""A file that tells a report's folder from the first moment on: writing may be cut off before its end."""
_MAX_NAME_BYTES = 255


class Output:
    """A report's folder. Paths from the server are cleaned before they become paths here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, relative: str, data: bytes) -> Path:
        """Write a file, all or nothing, with the folders above it.

        Raises PhotoError `path_invalid`, OutputError `output_unwritable`.
        """
        path = self.folder / normal_path(relative)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            return _write(path, data)


def _write(path: Path, data: bytes) -> Path:
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        return Path(temporary).replace(path)
    except BaseException:  # a full disk, Ctrl-C
        Path(temporary).unlink(missing_ok=True)
        raise


def mask_path(photo: str, prompt: str) -> str:
    """Where a photo's mask lies beside the report: `masks/kitchen/1.jpg.drywall-joint.png`."""
    return _named(f"masks/{photo}", f".{slug(prompt)}.png")


def overlay_path(photo: str) -> str:
    """Where a photo with its findings drawn in lies beside the report."""
    return _named(f"overlays/{photo}", ".jpg")


def _named(path: str, ending: str) -> str:
    """Path plus ending; a last part over what file systems take is cut and ends in a hash.

    A path that would get too long as a whole is a hash alone: the photo's own may be as long as paths may be.
    """
    parent, _, name = path.rpartition("/")
    if len(path + ending) > MAX_PATH_CHARS:
        parent, name = path.partition("/")[0], f"~{hashlib.sha256(path.encode()).hexdigest()}"
    if len((name + ending).encode()) > _MAX_NAME_BYTES:
        mark = "~" + hashlib.sha256(name.encode()).hexdigest()[:8]
        room = _MAX_NAME_BYTES - len((mark + ending).encode())
        name = name.encode()[:room].decode(errors="ignore") + mark
    return f"{parent}/{name}{ending}"


def holds_report(folder: Path) -> bool:
    """Whether a report was written here, be it in part. Raises OSError where that cannot be seen."""
    return (folder / _MARK).exists() or all((folder / name).exists() for name in _FILES)


def refuse_taken(folder: Path | None, *, overwrite: bool) -> None:
    """Raises OutputError `output_taken` where `folder` holds anything but, with `overwrite`, a report.

    Raises OutputError `output_unwritable` where it takes nothing. None stands for a new folder in this one.
    """
    if folder is not None:
        _refuse_full(folder, overwrite=overwrite)
    _refuse_closed(folder or Path.cwd())


def _refuse_full(folder: Path, *, overwrite: bool) -> None:
    with writing(folder):
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        replaced = overwrite and taken and holds_report(folder)
    if taken and not folder.is_dir():
        raise OutputError(Code.OUTPUT_TAKEN, f"{folder} is a file")
    if taken and not replaced:
        hint = "holds no report to overwrite" if overwrite else "--overwrite replaces an earlier report"
        raise OutputError(Code.OUTPUT_TAKEN, f"{folder} is not empty; {hint}")


def _refuse_closed(folder: Path) -> None:
    with writing(folder):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise OutputError(Code.OUTPUT_UNWRITABLE, f"{folder} cannot be written: {there} takes no new files")


def make_output(folder: Path | None, *, overwrite: bool) -> Output:
    """The folder to write to; with `overwrite`, an earlier report in it is removed.

    None picks `wallscan-report-DATE`, with a number where that is taken. Raises OutputError
    `output_taken` like `refuse_taken`, `output_unwritable` where nothing can be written.
    """
    refuse_taken(folder, overwrite=overwrite)
    with writing(folder or Path.cwd()):
        made = folder or _fresh(Path.cwd())
        made.mkdir(parents=True, exist_ok=True)
        (made / _MARK).touch()
        if overwrite:
            _remove_report(made)
    return Output(made)


def _remove_report(folder: Path) -> None:
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        if (folder / name).exists():
            shutil.rmtree(folder / name)


def _fresh(parent: Path) -> Path:
    stem = f"wallscan-report-{dt.datetime.now().astimezone():%Y-%m-%d}"
    number = 1
    while True:
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder
