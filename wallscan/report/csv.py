"""The report as CSV (RFC 4180): a row per photo and prompt, a row per wall and prompt.

Columns are the fields of the rows' models, in their order; empty means null. The file is UTF-8 and begins
with a byte order mark, without which Excel takes names for another encoding: read it as `utf-8-sig`.
"""

import csv
import io
from collections.abc import Iterable

from pydantic import BaseModel

from wallscan.wire.report import PhotoRow, Report, WallRow

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"): = + - @, white space
# that it skips, and the full-width forms of the four signs.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def photos_csv(report: Report) -> bytes:
    """A row per photo and prompt: the report's photos, of every status."""
    return _csv(PhotoRow, report.photos)


def walls_csv(report: Report) -> bytes:
    """A row per wall and prompt."""
    return _csv(WallRow, report.walls)


def _csv(kind: type[BaseModel], rows: Iterable[BaseModel]) -> bytes:
    names = tuple(kind.model_fields)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe; a list is its words."""
    if isinstance(value, list):
        return " ".join(str(word) for word in value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
