"""The outermost layer: every request gets an id and a log line, and no failure leaves without a problem."""

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import error_response, problem_response
from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError

REQUEST_ID = "X-Request-ID"
_GONE = 499
"""Logged where the caller went away before the request was whole; nothing is answered."""

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Boundary:
    """ASGI middleware: request id (the caller's, where it is a plain one), access log, last resort."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.log = structlog.get_logger("api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid.uuid4().hex
        status = 0
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except ClientDisconnect:
                status = _GONE
            except Exception as error:  # noqa: BLE001 - the last resort: logged whole, told to nobody
                await self._answer(error, status, scope, receive, send_with_id)
            self.log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(1000 * (time.perf_counter() - began), 1),
            )

    async def _answer(
        self, error: Exception, status: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer for a failure; where the answer has begun, it can only be logged."""
        expected = isinstance(error, WallscanError)
        if not expected:
            self.log.error("failed", method=scope["method"], path=scope["path"], exc_info=error)
        if status:
            return
        response = (
            error_response(error)
            if isinstance(error, WallscanError)
            else problem_response(
                Code.INTERNAL_ERROR,
                "something went wrong on our side; the request id finds it in the logs",
                instance=structlog.contextvars.get_contextvars()["request_id"],
            )
        )
        await response(scope, receive, send)
