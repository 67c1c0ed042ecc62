"""Request bodies before anything reads them: held to a size, and JSON to what the database can hold."""

from collections.abc import AsyncIterator, Awaitable, Callable

from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError


class BodyLimits:
    """ASGI middleware: forms pass in a stream of at most `max_form_bytes`, other bodies are read at once.

    Raises WallscanError `body_too_large`, `json_invalid` (not UTF-8, not JSON, half a surrogate pair, NUL)
    or `request_invalid` (NUL in the address).
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_form_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.max_form_bytes = max_form_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            raise WallscanError(Code.REQUEST_INVALID, "the address holds a NUL character")
        headers = Headers(scope=scope)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        is_form = media_type == "multipart/form-data"
        limit = self.max_form_bytes if is_form else self.max_body_bytes
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise _too_large(limit)
        counted = _counted(receive, limit)
        if not is_form:
            body = b"".join([chunk async for chunk in read_chunks(counted)])
            if media_type == "application/json" or media_type.endswith("+json"):
                _check_json(body)
            counted = _replayed(body, receive)
        await self.app(scope, counted, send)


async def read_chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The body in the chunks that it comes in. Raises ClientDisconnect where it breaks off."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, then goes on with the connection's own."""
    waiting = True

    async def again() -> Message:
        nonlocal waiting
        if not waiting:
            return await receive()
        waiting = False
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _counted(receive: Receive, limit: int) -> Callable[[], Awaitable[Message]]:
    taken = 0

    async def count() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _too_large(limit)
        return message

    return count


def _check_json(body: bytes) -> None:
    """FastAPI's own reader takes UTF-16 and half surrogate pairs; neither can be stored or answered."""
    try:
        if body:
            from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise WallscanError(Code.JSON_INVALID, f"the body is no JSON in UTF-8: {error}") from error
    if b"\\u0000" in body:
        raise WallscanError(Code.JSON_INVALID, "the body holds a NUL character")


def _too_large(limit: int) -> WallscanError:
    return WallscanError(Code.BODY_TOO_LARGE, f"the body has more than {limit} bytes")
