"""Long polling and entity tags: tell a client when something changed, holding no connection while waiting."""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Header, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from wallscan.wire.common import Body

B = TypeVar("B", bound=Body)
MAX_WAIT_S = 60
_LOOK_EVERY_S = 0.5

Wait = Annotated[
    float, Query(ge=0, le=MAX_WAIT_S, description="seconds to wait for a change; ends early where one comes")
]
IfNoneMatch = Annotated[str | None, Header(description="an `ETag` got before: 304 where nothing changed")]


def matches(etag: str, if_none_match: str | None) -> bool:
    """Whether the client already has this version (weak comparison, RFC 9110, section 13.1.2)."""
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return etag.removeprefix("W/") in known or "*" in known


def not_modified(etag: str) -> Response:
    """304: the client's version is current."""
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})


async def watched(
    request: Request,
    look: Callable[[], B],
    etag_of: Callable[[B], str],
    has_ended: Callable[[B], bool],
    wait_s: float,
) -> Response:
    """What `look` sees, as soon as it differs from the client's version, or after `wait_s` seconds.

    The client's version is its `If-None-Match`, or without one what is seen first. `look` opens its own
    transaction; between two looks nothing is held.
    """
    if_none_match = request.headers.get("if-none-match")
    deadline = asyncio.get_running_loop().time() + wait_s
    seen = await run_in_threadpool(look)
    known = if_none_match or etag_of(seen)
    while matches(etag_of(seen), known) and not has_ended(seen):
        left_s = deadline - asyncio.get_running_loop().time()
        if left_s <= 0 or await request.is_disconnected():
            break
        await asyncio.sleep(min(_LOOK_EVERY_S, left_s))
        seen = await run_in_threadpool(look)
    etag = etag_of(seen)
    if matches(etag, if_none_match):
        return not_modified(etag)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    return JSONResponse(seen.model_dump(mode="json"), headers=headers)
