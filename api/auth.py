"""Who is calling, and what they may do. Everything under `/v1` is denied without a valid key."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.records import keys
from wallscan.records.keys import Grant
from wallscan.records.session import transaction

PREFIX = "/v1"
_bearer = HTTPBearer(auto_error=False, scheme_name="Key", description="`wsk_PREFIX_SECRET`")


class Authentication:
    """ASGI middleware: finds the caller before the body is read, so that a stranger can send nothing.

    Raises WallscanError `key_invalid`.
    """

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self.app = app
        self.engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            kind, _, presented = Headers(scope=scope).get("authorization", "").partition(" ")
            if kind.lower() != "bearer":
                raise WallscanError(Code.KEY_INVALID, "an `Authorization: Bearer KEY` header is needed")
            grant = await run_in_threadpool(self._grant, presented.strip())
            scope.setdefault("state", {})["caller"] = grant
        await self.app(scope, receive, send)

    def _grant(self, presented: str) -> Grant:
        with transaction(self.engine) as session:
            return keys.authenticate(session, presented)


def caller(request: Request) -> Grant:
    """The caller that `Authentication` found. Raises WallscanError `key_invalid` where there is none."""
    grant = getattr(request.state, "caller", None)
    if not isinstance(grant, Grant):
        raise WallscanError(Code.KEY_INVALID, "a key is needed")
    return grant


Caller = Annotated[Grant, Depends(caller)]


def reads_or_writes(request: Request, grant: Caller, _: Annotated[object, Security(_bearer)]) -> None:
    """Reading needs the scope `read`, all else `write`. Raises WallscanError `scope_missing`."""
    _require(grant, "read" if request.method in {"GET", "HEAD"} else "write")


def administers(grant: Caller, _: Annotated[object, Security(_bearer)]) -> None:
    """The scope `admin` is needed. Raises WallscanError `scope_missing`."""
    _require(grant, "admin")


def _require(grant: Grant, scope: str) -> None:
    if scope not in grant.scopes:
        raise WallscanError(Code.SCOPE_MISSING, f"the key lacks the scope {scope!r}")
