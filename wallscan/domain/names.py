"""Names that people give to sites and inspections."""

import unicodedata

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError

MAX_NAME_CHARS = 200


def normal_name(raw: str) -> str:
    """The one spelling of a name: NFC, white space collapsed, 1 to `MAX_NAME_CHARS` printable characters.

    Raises WallscanError `request_invalid`.
    """
    name = " ".join(unicodedata.normalize("NFC", raw).split())
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise WallscanError(
            Code.REQUEST_INVALID, f"a name has 1 to {MAX_NAME_CHARS} printable characters, not {raw[:80]!r}"
        )
    return name
