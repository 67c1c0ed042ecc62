"""Where a model may come from: a folder, a bundle in one file, a repository on the Hugging Face hub."""

import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wallscan.client.disk import copying, reading, scratch
from wallscan.client.errors import ScratchError, SourceError
from wallscan.domain.codes import Code
from wallscan.models.manifest import FILE_PATTERN

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SAFE_KINDS = ("*.safetensors", "*.json", "*.txt")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_FILE_NAME = re.compile(FILE_PATTERN)
_MAX_BUNDLE_BYTES = 8 * 2**30
_CHUNK_BYTES = 1 << 20
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, RuntimeError, ValueError),
)
"""What reading a damaged archive may raise: both modules let through what unpacks for them."""


@contextmanager
def model_folder(source: str, revision: str | None = None) -> Iterator[Path]:
    """A folder with the model's files, there while the block runs.

    Raises SourceError `model_source_unknown`, `hub_unreachable`, `bundle_file_forbidden` (pickled weights
    only), `bundle_file_missing` or `bundle_unloadable` (a damaged bundle file); FileError and ScratchError
    as `reading` does.
    """
    path = Path(source)
    if path.is_dir():
        yield path
    elif path.is_file():
        with scratch() as folder:
            _unpack(path, folder)
            yield folder
    elif _HUB_ID.fullmatch(source):
        yield _from_hub(source, revision)
    else:
        raise SourceError(Code.MODEL_SOURCE_UNKNOWN, f"{source!r} is no folder, no file and no hub id")


def _unpack(path: Path, folder: Path) -> None:
    with reading(path):
        packed = path.open("rb")
    try:
        with packed, copying():
            _copy_archive(packed, folder)
    except _DAMAGED as error:
        raise SourceError(Code.BUNDLE_UNLOADABLE, f"{path.name} cannot be unpacked: {error}") from error


def _copy_archive(packed: IO[bytes], folder: Path) -> None:
    if zipfile.is_zipfile(packed):
        with zipfile.ZipFile(packed) as archive:
            files = (info for info in archive.infolist() if not info.is_dir())
            _copy_all(((info.filename, archive.open(info)) for info in files), folder)
        return
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        members = ((member.name, archive.extractfile(member)) for member in archive)
        _copy_all(((name, file) for name, file in members if file is not None), folder)
        # What compresses tells at its own end, behind the archive's, whether all of it was as packed.
        while archive.fileobj and archive.fileobj.read(_CHUNK_BYTES):
            pass


def _copy_all(files: Iterable[tuple[str, IO[bytes]]], folder: Path) -> None:
    """Copy files under their last names; the sizes that an archive states are not believed."""
    left = _MAX_BUNDLE_BYTES
    for name, file in files:
        plain = name.rpartition("/")[2]
        if not _FILE_NAME.fullmatch(plain) or (folder / plain).exists():
            raise SourceError(Code.BUNDLE_FILE_FORBIDDEN, f"{name[:80]!r} has no place in a bundle")
        with file, (folder / plain).open("wb") as copy:
            while chunk := file.read(_CHUNK_BYTES):
                left -= len(chunk)
                if left < 0:
                    raise SourceError(Code.BUNDLE_FILE_FORBIDDEN, "the bundle unpacks to over 8 GiB")
                copy.write(chunk)


def _from_hub(repository: str, revision: str | None) -> Path:
    """The repository's safe files in the hub's own cache. Pickled weights are never downloaded."""
    # Takes a while to import, and reads HF_ENDPOINT and HF_HOME then.
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        _refuse_pickled(repository, HfApi().list_repo_files(repository, revision=revision))
        with copying("the hub's cache (HF_HOME)"):
            folder = snapshot_download(repository, revision=revision, allow_patterns=list(_SAFE_KINDS))
    except RepositoryNotFoundError as error:
        raise SourceError(
            Code.MODEL_SOURCE_UNKNOWN, f"the hub has no model {repository!r}, or it is not public"
        ) from error
    except RevisionNotFoundError as error:
        raise SourceError(Code.MODEL_SOURCE_UNKNOWN, f"{repository} has no revision {revision!r}") from error
    except HFValidationError as error:
        raise SourceError(Code.MODEL_SOURCE_UNKNOWN, f"{repository!r} is no hub id: {error}") from error
    except (ScratchError, SourceError):
        raise
    except Exception as error:  # the hub's library lets through whatever its HTTP library raises
        raise SourceError(Code.HUB_UNREACHABLE, f"the hub did not hand out {repository}: {error}") from error
    return Path(folder)


def _refuse_pickled(repository: str, names: list[str]) -> None:
    if any(name.endswith(".safetensors") for name in names):
        return
    if any(name.endswith(_PICKLED) for name in names):
        raise SourceError(
            Code.BUNDLE_FILE_FORBIDDEN,
            f"{repository} holds pickled weights only, which can run code; try another --revision",
        )
    raise SourceError(Code.BUNDLE_FILE_MISSING, f"{repository} holds no safetensors file")


def default_name(source: str) -> str:
    """A model's name where none is given: the hub id itself, or the folder's or file's own name."""
    path = Path(source)
    if not path.exists():
        return source
    own = path.resolve().name.removesuffix(".gz").removesuffix(".tar").removesuffix(".zip")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", own).strip("-._") or "model"
