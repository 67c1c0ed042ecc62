"""Cursor paging: a page begins after the last row of the one before, whatever was added since."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic import TypeAdapter, ValidationError

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.wire.common import Page

T = TypeVar("T")
P = TypeVar("P", bound=tuple[Any, ...])

Limit = Annotated[int, Query(ge=1, le=1000, description="rows on a page")]
Cursor = Annotated[str | None, Query(max_length=8000, description="`next_cursor` of the page before")]


def begin(cursor: str | None, place: TypeAdapter[P]) -> P | None:
    """The place after which a page begins. Raises WallscanError `cursor_invalid`."""
    if cursor is None:
        return None
    try:
        found = place.validate_json(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, UnicodeEncodeError, ValidationError) as error:
        raise WallscanError(Code.CURSOR_INVALID, "not a cursor of this listing") from error
    if any(isinstance(part, str) and "\x00" in part for part in found):
        raise WallscanError(Code.CURSOR_INVALID, "not a cursor of this listing")
    return found


def page(rows: Sequence[T], limit: int, place: TypeAdapter[P], place_of: Callable[[T], P]) -> Page[T]:
    """A page of `limit` rows; `rows` were asked for one longer, which tells whether there is a next page."""
    shown = list(rows[:limit])
    if len(rows) <= limit:
        return Page(items=shown)
    cursor = base64.urlsafe_b64encode(place.dump_json(place_of(shown[-1]))).decode()
    return Page(items=shown, next_cursor=cursor)
