"""A folder of photos as it lies on disk: what is sent, what is left, and nothing forgotten in between."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wallscan.client.output import holds_report
from wallscan.domain.errors import PhotoError
from wallscan.photos.sniff import sniff

_PHOTO_SUFFIXES = frozenset(
    {".avif", ".bmp", ".dng", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"}
    | {".jxl", ".png", ".tif", ".tiff", ".webp"}
)
_CLUTTER_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_HEAD_BYTES = 64
_MASK = re.compile(r"masks/(.+)\.[^./]+\.png")
"""A mask of a report, `masks/PHOTO.PROMPT.png`, put beside the photos to be corrected and learnt from."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be handed in: its path relative to the folder, with forward slashes, and where it lies."""

    path: str
    file: Path


@dataclass(slots=True)
class Folder:
    """What a scan saw.

    `ignored` says why, by path; `clutter` counts what operating systems leave behind; `unreadable` are
    folders that could not be looked into, so that photos may be missing.
    """

    found: list[Found] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    clutter: int = 0

    def ignored_kinds(self) -> Counter[str]:
        """How many files were ignored, by reason."""
        return Counter(self.ignored.values())


def scan(root: Path) -> Folder:
    """All photos under `root`, sorted by path.

    A file counts as a photo where its name says so (the server then judges the content) or where its first
    bytes do. Hidden files and clutter are counted; links are followed to files inside `root` alone. Masks and
    pictures of an earlier report are no photos, nor are masks of the photos in a folder `masks` beside them.
    """
    folder = Folder()
    for file in _files(root.resolve(), folder):
        path = file.relative_to(root.resolve()).as_posix()
        reason = _reason_to_ignore(file, root.resolve())
        if reason is None:
            folder.found.append(Found(path, file))
        else:
            folder.ignored[path] = reason
    _pass_masks_by(folder)
    folder.found.sort(key=lambda found: found.path)
    return folder


def _pass_masks_by(folder: Folder) -> None:
    # Masks are named in NFC, whatever the disk does.
    plain = {found.path: unicodedata.normalize("NFC", found.path) for found in folder.found}
    photos = set(plain.values())
    for path, name in plain.items():
        if (mask := _MASK.fullmatch(name)) and mask[1] in photos:
            folder.ignored[path] = "mask of a photo"
    folder.found = [found for found in folder.found if found.path not in folder.ignored]


def _files(root: Path, folder: Folder) -> Iterator[Path]:
    def note(error: OSError) -> None:
        folder.unreadable.append(Path(error.filename).relative_to(root).as_posix())

    for parent, folders, names in os.walk(root, onerror=note):
        left = {name: reason for name in folders if (reason := _reason_to_pass_by(Path(parent, name)))}
        for name, reason in left.items():
            folder.ignored[Path(parent, name).relative_to(root).as_posix()] = reason
        clutter = {name for name in (*folders, *names) if _is_clutter(name)}
        folder.clutter += len(clutter)
        folders[:] = sorted(set(folders) - clutter - left.keys())
        yield from (Path(parent, name) for name in names if name not in clutter)


def _reason_to_pass_by(folder: Path) -> str | None:
    try:
        if folder.is_symlink():
            return "link to a folder"
        return "earlier report" if holds_report(folder) else None
    except OSError:  # told when it is looked into
        return None


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.lower() in _CLUTTER_NAMES


def _reason_to_ignore(file: Path, root: Path) -> str | None:
    try:
        # Not `resolve`, which raises where links lead in a circle: such a file is refused later, unreadable.
        if file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(root):
            return "link that leads outside"
        if file.exists() and not file.is_file():
            return "no regular file"
    except OSError:
        pass  # not even to be looked at: handed in and refused, if its name says that it is a photo
    if file.suffix.lower() in _PHOTO_SUFFIXES or _looks_like_a_photo(file):
        return None
    return f"{file.suffix.lower()} file" if file.suffix else "file without an extension"


def _looks_like_a_photo(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            sniff(opened.read(_HEAD_BYTES))
    except (OSError, PhotoError):
        return False
    return True
