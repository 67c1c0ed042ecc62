"""From a relative path to its wall: the first folder names the wall."""

import re
import unicodedata

from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError

UNSORTED = "unsorted"
"""The wall of photos that lie in no folder."""

MAX_PATH_CHARS = 1024
MAX_WALL_CHARS = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"^[A-Za-z]:")


def normal_path(raw: str) -> str:
    """The one spelling of a relative path: NFC, forward slashes, no `.` parts.

    Raises PhotoError `path_invalid` for paths that are absolute, climb with `..`, hold control
    characters, name no file, or exceed `MAX_PATH_CHARS` characters.
    """
    path = unicodedata.normalize("NFC", raw).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    bad = (
        not parts
        or ".." in parts
        or path.startswith("/")
        or path.endswith("/")
        or bool(_DRIVE.match(path))
        or bool(_CONTROL.search(path))
        or len(path) > MAX_PATH_CHARS
    )
    if bad:
        raise PhotoError(Code.PATH_INVALID, f"not a usable relative path: {raw[:80]!r}")
    return "/".join(parts)


def wall_of(path: str) -> str:
    """The wall's name for a normal path: its first folder, or `unsorted` where there is none.

    Raises PhotoError `wall_name_invalid` where the folder's name is no legal wall name.
    """
    folder, slash, _ = path.partition("/")
    return wall_name(folder) if slash else UNSORTED


def wall_name(raw: str) -> str:
    """The one spelling of a wall's name: NFC, trimmed, 1 to `MAX_WALL_CHARS` printable characters.

    Raises PhotoError `wall_name_invalid`.
    """
    name = unicodedata.normalize("NFC", raw).strip()
    if not name or len(name) > MAX_WALL_CHARS or _CONTROL.search(name):
        raise PhotoError(Code.WALL_NAME_INVALID, f"not a usable wall name: {raw[:80]!r}")
    return name
