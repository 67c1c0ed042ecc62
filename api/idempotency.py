"""POST with an `Idempotency-Key`: a repeated request gets the first one's answer, carried out once."""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from typing import IO

import structlog
from python_multipart.multipart import parse_options_header
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import read_chunks
from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError, WallscanError
from wallscan.records import idempotency
from wallscan.records.idempotency import Answer, Begun, Ticket
from wallscan.records.session import transaction

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_USABLE_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT_HEADERS = frozenset({"content-type", "location", "retry-after", "etag"})
_SPOOL_BYTES = 2**20
_CHUNK_BYTES = 2**16


class Idempotency:
    """ASGI middleware behind authentication; answers of 500 and above are not kept.

    Raises WallscanError `request_invalid` (no usable key), `idempotency_key_reused` or
    `idempotency_key_in_use`.
    """

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self.app = app
        self.engine = engine
        self.log = structlog.get_logger("api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        caller = scope.get("state", {}).get("caller")
        if key is None or scope["method"] != "POST" or caller is None:
            await self.app(scope, receive, send)
            return
        if not _USABLE_KEY.fullmatch(key):
            raise WallscanError(Code.REQUEST_INVALID, f"{HEADER} has 1 to 200 printable ASCII characters")
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as body:
            async for chunk in read_chunks(receive):
                body.write(chunk)
            ticket = Ticket(caller.key_id, key, await run_in_threadpool(_fingerprint, scope, body))
            begun = await run_in_threadpool(self._begin, ticket)
            if isinstance(begun, Answer):
                await _replay(begun)(scope, receive, send)
                return
            await self._first(begun, scope, _reread(body, receive), send)

    async def _first(self, begun: Begun, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry the request out; its answer is kept before its last byte goes out."""
        recorder = _Recorder(send, lambda answer: run_in_threadpool(self._end, begun, answer))
        beating = asyncio.create_task(self._beat(begun))
        try:
            await self.app(scope, receive, recorder)
        finally:
            beating.cancel()
            if not recorder.complete:
                await run_in_threadpool(self._end, begun, None)

    async def _beat(self, begun: Begun) -> None:
        """Hold the key for as long as the request takes. A process that is killed or frozen does not."""
        held = True
        while held:
            await asyncio.sleep(idempotency.UNDER_WAY_S / 3)
            held = await asyncio.to_thread(self._extend, begun)  # no thread that slow requests may all have

    def _extend(self, begun: Begun) -> bool:
        try:
            with transaction(self.engine) as session:
                return idempotency.extend(session, begun)
        except Exception as error:  # noqa: BLE001 - the next beat may do better than none
            self.log.warning("key_not_held", error=type(error).__name__)
            return True

    def _begin(self, ticket: Ticket) -> Begun | Answer:
        with transaction(self.engine) as session:
            return idempotency.begin(session, ticket)

    def _end(self, begun: Begun, answer: Answer | None) -> None:
        """Keep the answer, or free the key. Without a database the key frees itself after a while."""
        try:
            with transaction(self.engine) as session:
                if answer is None or answer.status >= 500:
                    idempotency.release(session, begun)
                else:
                    idempotency.remember(session, begun, answer)
        except UnavailableError as error:
            self.log.warning("answer_not_kept", code=error.code)


class _Recorder:
    """A `send` that notes the answer while passing it on."""

    def __init__(self, send: Send, keep: Callable[[Answer], Awaitable[None]]) -> None:
        self.send = send
        self.keep = keep
        self.complete = False
        self.status = 0
        self.headers: list[str] = []
        self.body: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = _kept(message["headers"])
        elif message["type"] == "http.response.body":
            self.body.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.complete = True
                await self.keep(Answer(self.status, self.headers, b"".join(self.body)))
        await self.send(message)


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    return [part for name, value in pairs if name.lower() in _KEPT_HEADERS for part in (name, value)]


def _fingerprint(scope: Scope, body: IO[bytes]) -> str:
    """SHA-256 (hex) of what was asked. A form's boundary is left out: it is drawn anew for every try."""
    digest = hashlib.sha256(f"{scope['path']}?{scope['query_string'].decode('latin-1')}\n".encode())
    boundary = parse_options_header(Headers(scope=scope).get("content-type", ""))[1].get(b"boundary")
    edges = {b"--" + boundary, b"--" + boundary + b"--"} if boundary else set()
    body.seek(0)
    for line in iter(lambda: body.readline(_CHUNK_BYTES), b""):
        if line.rstrip(b"\r\n") not in edges:
            digest.update(line)
    return digest.hexdigest()


def _reread(body: IO[bytes], receive: Receive) -> Receive:
    """A `receive` that gives the spooled body, then goes on with the connection's own."""
    body.seek(0)
    whole = False

    async def again() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        chunk = body.read(_CHUNK_BYTES)
        whole = len(chunk) < _CHUNK_BYTES
        return {"type": "http.request", "body": chunk, "more_body": not whole}

    return again


def _replay(answer: Answer) -> Response:
    headers = dict(zip(answer.headers[::2], answer.headers[1::2], strict=True))
    return Response(answer.body, answer.status, headers={**headers, REPLAYED: "true"})
