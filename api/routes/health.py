"""Is the process alive, and can it work?"""

import asyncio
from collections.abc import Callable

import redis
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool

from api.bootstrap import Services as AllServices
from api.context import Services
from api.problems import problem_response
from wallscan.domain.codes import Code
from wallscan.records.session import transaction
from wallscan.wire.common import FieldProblem

router = APIRouter(tags=["health"])
_CHECK_S = 2.0


@router.get("/healthz")
async def get_health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def get_readiness(services: Services) -> Response:
    """Database, queue and storage answer; else 503 with those that do not."""
    checks = {"database": _database, "queue": _queue, "storage": _storage}
    faults = await asyncio.gather(*(_fault(check, services) for check in checks.values()))
    down = [
        FieldProblem(field=name, message=fault)
        for name, fault in zip(checks, faults, strict=True)
        if fault is not None
    ]
    if not down:
        return JSONResponse({"status": "ok"})
    names = ", ".join(fault.field for fault in down)
    return problem_response(Code.NOT_READY, f"not answering: {names}", errors=down)


async def _fault(check: Callable[[AllServices], object], services: AllServices) -> str | None:
    """None where the check passes in time; the error's kind alone, since its text may hold addresses."""
    try:
        await asyncio.wait_for(run_in_threadpool(check, services), _CHECK_S)
    except TimeoutError:
        return f"no answer within {_CHECK_S:g} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, the part is not ready
        return type(error).__name__
    return None


def _database(services: AllServices) -> None:
    with transaction(services.engine) as session:
        session.execute(text("SELECT 1"))


def _queue(services: AllServices) -> None:
    url = services.settings.queue.redis_url
    with redis.Redis.from_url(url, socket_timeout=_CHECK_S, socket_connect_timeout=_CHECK_S) as client:
        client.ping()


def _storage(services: AllServices) -> None:
    next(iter(services.store.list("readyz/")), None)
