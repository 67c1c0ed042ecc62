"""Zip archives, read without trusting them: one entry at a time, photos never under their own names.

Sizes are counted while unpacking, since headers lie; only stored and deflated entries are unpacked, since
the other decompressors answer one small block with any amount of memory.
"""

import errno
import hashlib
import io
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from wallscan.domain.codes import Code
from wallscan.domain.errors import ArchiveError, PhotoError, WallscanError
from wallscan.domain.walls import normal_path
from wallscan.photos.limits import DATASET_LIMITS, ArchiveLimits
from wallscan.photos.sniff import MediaType, sniff

_CHUNK_BYTES = 64 * 1024
_DIRECTORY_BYTES_PER_ENTRY = 512
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED, _UTF8_NAME = 0x1, 0x800
_CLUTTER_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_ARCHIVE_MAGIC = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
)
# A part too long, or a file where a folder should be: the name's fault. A full disk is not.
_PATH_FAULTS = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL)
# What zipfile raises on damaged bytes; a wrong offset or name is a ValueError, a new version a RuntimeError.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError)
_DEFAULT_LIMITS = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Entry:
    """One unpacked file of an accepted type. `file` stands at 0 and is closed when the next item is taken."""

    path: str
    media_type: MediaType
    size_bytes: int
    sha256: str
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One entry that is not taken, and why. `name` is as the archive spells it."""

    name: str
    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A folder, or clutter that an operating system left (`__MACOSX`, `.DS_Store`, `Thumbs.db`)."""

    name: str


def iter_photos(
    file: IO[bytes], limits: ArchiveLimits = _DEFAULT_LIMITS
) -> Iterator[Entry | Rejected | Ignored]:
    """Every entry of a seekable zip file, in its order; a bad entry is reported and the others go on.

    Rejected carry `path_invalid`, `archive_entry_*`, `archive_bomb`, `photo_empty`,
    `photo_not_an_image`, `photo_type_unsupported` or `photo_too_many_bytes`. Entries are only sniffed;
    `decode.check` tells whether a picture is whole.

    Raises ArchiveError, before the first item, `archive_not_zip`, `archive_truncated`, `archive_corrupt`,
    `archive_too_many_entries` or `archive_bomb` (overlapping entries); after the last, `archive_empty`;
    at any point, `archive_bomb` when all entries together exceed `max_total_bytes`.
    """
    with _open(file, limits) as archive:
        unpacker, useful = _Unpacker(archive, limits), 0
        for info in archive.infolist():
            if _is_clutter(info):
                yield Ignored(info.filename)
                continue
            useful += 1
            with tempfile.SpooledTemporaryFile(max_size=limits.spool_bytes) as spool:
                try:
                    yield unpacker.unpack(info, spool)
                except PhotoError as error:
                    yield Rejected(_name(info), error.code, error.detail)
    if not useful:
        raise ArchiveError(Code.ARCHIVE_EMPTY, "the archive holds no files")


def count_entries(file: IO[bytes], limits: ArchiveLimits = _DEFAULT_LIMITS) -> int:
    """How many items `iter_photos` will give. Raises ArchiveError as that does before its first item."""
    with _open(file, limits) as archive:
        return len(archive.infolist())


def unpack_files(file: IO[bytes], folder: Path, limits: ArchiveLimits = DATASET_LIMITS) -> Iterator[Rejected]:
    """Write every entry of a seekable zip file, whatever it is, to its normal path under `folder`.

    Gives those that were not written: `path_invalid`, `archive_entry_*`, `archive_bomb` or, of one that is
    too large by itself, `photo_too_many_bytes`. Raises ArchiveError as `iter_photos` does.
    """
    with _open(file, limits) as archive:
        unpacker, useful = _Unpacker(archive, limits), 0
        for info in archive.infolist():
            if _is_clutter(info):
                continue
            useful += 1
            try:
                unpacker.write(info, folder)
            except PhotoError as error:
                yield Rejected(_name(info), error.code, error.detail)
    if not useful:
        raise ArchiveError(Code.ARCHIVE_EMPTY, "the archive holds no files")


class _Unpacker:
    """What must be remembered from entry to entry: paths seen and bytes unpacked."""

    def __init__(self, archive: zipfile.ZipFile, limits: ArchiveLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._paths: set[str] = set()
        self._total_bytes = 0

    def unpack(self, info: zipfile.ZipInfo, spool: IO[bytes]) -> Entry:
        """Unpack into `spool`. Raises PhotoError for this entry, ArchiveError for the whole."""
        path = self._take(info)
        size_bytes, sha256 = self._copy(info, spool)
        spool.seek(0)
        media_type = _media_type(spool.read(64))
        spool.seek(0)
        return Entry(path, media_type, size_bytes, sha256, spool)

    def write(self, info: zipfile.ZipInfo, folder: Path) -> None:
        """Unpack to the entry's path under `folder`. Raises PhotoError for this entry, ArchiveError."""
        target = folder / self._take(info)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            opened = target.open("xb")
        except OSError as error:
            if error.errno not in _PATH_FAULTS:
                raise
            raise PhotoError(Code.PATH_INVALID, f"cannot be written: {error.strerror}") from error
        try:
            with opened:
                self._copy(info, opened)
        except PhotoError:
            target.unlink()
            raise

    def _take(self, info: zipfile.ZipInfo) -> str:
        """The path of an entry that may be unpacked, and is from now on taken."""
        path = normal_path(_name(info))
        _refuse_kind(info)
        if path in self._paths:
            raise PhotoError(Code.ARCHIVE_ENTRY_DUPLICATE, "another entry has the same path")
        self._paths.add(path)
        return path

    def _copy(self, info: zipfile.ZipInfo, target: IO[bytes]) -> tuple[int, str]:
        try:
            return self._copied(info, target)
        except _UNREADABLE as error:
            raise PhotoError(Code.ARCHIVE_ENTRY_CORRUPT, f"cannot be unpacked: {error}") from error

    def _copied(self, info: zipfile.ZipInfo, target: IO[bytes]) -> tuple[int, str]:
        digest, size_bytes = hashlib.sha256(), 0
        with self._archive.open(info) as source:
            while chunk := source.read(_CHUNK_BYTES):
                size_bytes += len(chunk)
                self._total_bytes += len(chunk)
                self._check_amount(size_bytes, info.compress_size)
                digest.update(chunk)
                target.write(chunk)
        return size_bytes, digest.hexdigest()

    def _check_amount(self, size_bytes: int, packed_bytes: int) -> None:
        limits = self._limits
        if self._total_bytes > limits.max_total_bytes:
            raise ArchiveError(
                Code.ARCHIVE_BOMB, f"unpacks to more than the {limits.max_total_bytes} bytes allowed"
            )
        if size_bytes > max(limits.ratio_free_bytes, limits.max_ratio * packed_bytes):
            raise PhotoError(
                Code.ARCHIVE_BOMB, f"unpacks to more than {limits.max_ratio} times its {packed_bytes} bytes"
            )
        if size_bytes > limits.max_entry_bytes:
            raise PhotoError(
                Code.PHOTO_TOO_MANY_BYTES, f"unpacks to more than the {limits.max_entry_bytes} bytes allowed"
            )


class _Guarded(io.RawIOBase):
    """A file that refuses one huge read: zipfile reads the whole table of contents at once, at any size."""

    def __init__(self, file: IO[bytes], max_read_bytes: int) -> None:
        self._file = file
        self._max_read_bytes = max_read_bytes

    def read(self, size: int = -1, /) -> bytes:
        if size > self._max_read_bytes:
            raise ArchiveError(Code.ARCHIVE_TOO_MANY_ENTRIES, "the table of contents is too long")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _open(file: IO[bytes], limits: ArchiveLimits) -> zipfile.ZipFile:
    guarded = _Guarded(file, max(1 << 20, limits.max_entries * _DIRECTORY_BYTES_PER_ENTRY))
    try:
        archive = zipfile.ZipFile(guarded)
    except _UNREADABLE as error:
        raise _unreadable(file, error) from error
    if len(archive.infolist()) > limits.max_entries:
        raise ArchiveError(
            Code.ARCHIVE_TOO_MANY_ENTRIES, f"more than the {limits.max_entries} entries allowed"
        )
    _refuse_overlap(archive)
    return archive


def _unreadable(file: IO[bytes], error: Exception) -> WallscanError:
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        return ArchiveError(Code.ARCHIVE_NOT_ZIP, "the file is no zip archive")
    if "not a zip file" in str(error):
        return ArchiveError(Code.ARCHIVE_TRUNCATED, "the archive ends before its table of contents")
    return ArchiveError(Code.ARCHIVE_CORRUPT, f"the archive is damaged: {error}")


def _refuse_overlap(archive: zipfile.ZipFile) -> None:
    """Entries that share compressed bytes unpack one block many times (a "better zip bomb")."""
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    if infos and infos[0].header_offset < 0:
        raise ArchiveError(Code.ARCHIVE_CORRUPT, "the archive lacks its beginning")
    starts = [*(info.header_offset for info in infos[1:]), archive.start_dir]
    for info, next_start in zip(infos, starts, strict=False):
        least_end = info.header_offset + _LOCAL_HEADER_BYTES + len(info.orig_filename) + info.compress_size
        if least_end > next_start:
            raise ArchiveError(Code.ARCHIVE_BOMB, f"the entry {info.filename[:80]!r} overlaps the next one")


def _refuse_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise PhotoError(Code.ARCHIVE_ENTRY_SYMLINK, "a symbolic link")
    if kind not in (0, stat.S_IFREG):
        raise PhotoError(Code.ARCHIVE_ENTRY_UNSUPPORTED, "neither a file nor a folder")
    if info.flag_bits & _ENCRYPTED:
        raise PhotoError(Code.ARCHIVE_ENTRY_ENCRYPTED, "encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PhotoError(
            Code.ARCHIVE_ENTRY_UNSUPPORTED, f"compression method {info.compress_type}; deflate is taken"
        )


def _is_clutter(info: zipfile.ZipInfo) -> bool:
    parts = _name(info).replace("\\", "/").split("/")
    name = parts[-1].lower()
    return not name or parts[0] == "__MACOSX" or name in _CLUTTER_NAMES or name.startswith("._")


def _name(info: zipfile.ZipInfo) -> str:
    """The entry's name; UTF-8 that was not announced as such (macOS) is read as UTF-8, else as CP437."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _media_type(head: bytes) -> MediaType:
    if head.startswith(_ARCHIVE_MAGIC):
        raise PhotoError(Code.ARCHIVE_ENTRY_NESTED, "an archive inside the archive is not opened")
    return sniff(head)
