"""Zip archives, good ones and such as no tool would write."""

import copy
import io
import zipfile
from collections.abc import Iterable

Files = dict[str, bytes] | Iterable[tuple[str, bytes]]


def make(files: Files) -> bytes:
    """A deflated archive; names are written as given, also those that a careful tool would mend."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            info = zipfile.ZipInfo("x", (2026, 3, 14, 15, 9, 26))
            info.filename, info.compress_type, info.create_system = name, zipfile.ZIP_DEFLATED, 3
            archive.writestr(info, data)
    return buffer.getvalue()


def marked(data: bytes, name: str, **marks: int) -> bytes:
    """The archive with fields of one entry's table-of-contents record overwritten."""
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a") as archive:
        info = archive.getinfo(name)
        for field, value in marks.items():
            setattr(info, field, value)
        archive._didModify = True  # type: ignore[attr-defined]  # rewrites the table of contents alone
    return buffer.getvalue()


def damaged(data: bytes, name: str) -> bytes:
    """The archive with the middle of one entry's bytes inverted."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(name)
    middle = info.header_offset + 30 + len(name) + info.compress_size // 2
    return data[:middle] + bytes(byte ^ 0xFF for byte in data[middle : middle + 8]) + data[middle + 8 :]


def overlapping(photo: bytes, times: int = 50) -> bytes:
    """Many names for one block of bytes (D. Fifield, "A better zip bomb", 2019, full overlap)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/0.jpg", photo)
        for number in range(1, times):
            twin = copy.copy(archive.filelist[0])
            twin.filename = f"a/{number}.jpg"
            archive.filelist.append(twin)
    return buffer.getvalue()


def crowded(entries: int) -> bytes:
    """An archive of empty files in one table of contents, 12 MB long for 200,000."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("12345678.jpg", b"")
        archive.filelist.extend(archive.filelist * (entries - 1))
    return buffer.getvalue()


def with_raw_name(name: bytes, data: bytes, *, utf8_flag: bool) -> bytes:
    """One entry whose name is these bytes, announced as UTF-8 or not."""
    placeholder = "x" * len(name)
    archive = make({placeholder: data}).replace(placeholder.encode(), name)
    if not utf8_flag:
        return archive
    central = archive.index(b"PK\x01\x02")
    return b"".join(
        (archive[:6], b"\x00\x08", archive[8 : central + 8], b"\x00\x08", archive[central + 10 :])
    )
