"""Folders of annotated photos as zip files, and zip files into storage."""

import hashlib
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from wallscan.client.bundles import put_file
from wallscan.client.disk import reading, scratch
from wallscan.client.errors import InputError, asked
from wallscan.client.http import Client
from wallscan.client.meter import Meter
from wallscan.client.transport import DIRECT, ROUND_PAUSES_S
from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError
from wallscan.wire.trainings import Dataset, NewDataset

_PACKED = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic"})
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


@contextmanager
def zip_file(source: Path) -> Iterator[Path]:
    """`source` itself where it is a file, else a zip file of the folder, there while the block runs.

    Hidden files and links are left out. The same files give the same bytes, and so the same data set.
    Raises InputError: `folder_without_photos` where the folder holds no file, `path_invalid` for a name that
    is no text. Raises FileError `file_unreadable` for what cannot be read: none is left out unsaid. Raises
    ScratchError `output_unwritable` where there is no room for the zip file.
    """
    with reading(source):
        is_file = source.is_file()
        files = [] if is_file else sorted(_files(source))
    if is_file:
        yield source
        return
    if not files:
        raise InputError(Code.FOLDER_WITHOUT_PHOTOS, f"no files in {source}")
    with scratch() as folder:
        packed = folder / "dataset.zip"
        with reading(source), zipfile.ZipFile(packed, "w") as archive:
            for path in files:
                _add(archive, path, path.relative_to(source).as_posix())
        yield packed


def send_dataset(client: Client, path: Path, name: str, meter: Meter) -> Dataset:
    """The data set of a zip file, its bytes in storage; the one that is there where the content is known.

    Raises ApiError, InputError `request_invalid` where it is too large, FileError `file_unreadable`, or
    UnavailableError `storage_unavailable` where storage took it in none of several tries.
    """
    with reading(path), path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = path.stat().st_size
    new = asked(NewDataset, name=name, size_bytes=size_bytes, sha256=sha256)
    with httpx.Client(timeout=60.0, mounts=DIRECT) as storage:
        for pause_s in ROUND_PAUSES_S:
            time.sleep(pause_s)
            meter.reach(0)
            announced = client.announce_dataset(new)
            if announced.target is None:
                meter.reach(new.size_bytes)
                return announced.dataset
            if put_file(storage, announced.target, path, meter):
                return client.complete_dataset(announced.dataset.id)
    raise UnavailableError(Code.STORAGE_UNAVAILABLE, "storage did not take the data set in several tries")


def _files(root: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(root, onerror=refuse):
        folders[:] = (name for name in folders if not name.startswith("."))
        paths = (Path(parent, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    with reading(path), path.open("rb") as source, archive.open(_entry(path, name), "w") as target:
        shutil.copyfileobj(source, target)


def _entry(path: Path, name: str) -> zipfile.ZipInfo:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(Code.PATH_INVALID, f"{name}: the name is no UTF-8 text") from error
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.file_size = path.stat().st_size
    is_packed = path.suffix.lower() in _PACKED
    info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
    return info
