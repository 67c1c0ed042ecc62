"""The application: `uvicorn --factory api.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

import wallscan
from api import problems
from api.auth import PREFIX, Authentication, administers, reads_or_writes
from api.bodies import BodyLimits
from api.bootstrap import Settings, make_services, read_settings
from api.boundary import Boundary
from api.idempotency import Idempotency
from api.logs import configure_logs
from api.openapi import describe
from api.routes import (
    archives,
    datasets,
    health,
    inspections,
    models,
    photos,
    reports,
    runs,
    sites,
    trainings,
    uploads,
    walls,
)
from wallscan.domain.errors import WallscanError

_ROUTERS = (sites, walls, inspections, uploads, archives, runs, photos, reports, models, datasets, trainings)
_ADMIN_ROUTERS = (models, datasets, trainings)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API on the given services, or on those that the environment names."""
    configure_logs()
    services = make_services(settings or read_settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # A thread holds at most one connection at a time, so requests are never short of them.
        anyio.to_thread.current_default_thread_limiter().total_tokens = services.settings.api.threads
        yield
        services.engine.dispose()
        services.celery.close()

    app = FastAPI(
        title="wallscan",
        version=wallscan.__version__,
        description="Photos in, per-wall report out. Errors are RFC 9457 problems with a stable `code`.",
        lifespan=lifespan,
        docs_url=None,  # the pages load their scripts from a CDN
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.services = services
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.include_router(health.router)
    app.include_router(_GUARDED)
    app.add_exception_handler(WallscanError, problems.on_wallscan_error)
    app.add_exception_handler(RequestValidationError, problems.on_invalid_request)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    # The last one added is the outermost.
    app.add_middleware(Idempotency, engine=services.engine)
    app.add_middleware(
        BodyLimits,
        max_body_bytes=services.settings.api.max_body_bytes,
        max_form_bytes=services.settings.api.max_form_bytes,
    )
    app.add_middleware(Authentication, engine=services.engine)
    app.add_middleware(Boundary)
    return app


def _guarded() -> APIRouter:
    """All routes that need a key, behind the check of its scope."""
    guarded = APIRouter(prefix=PREFIX)
    for module in _ROUTERS:
        guarded.include_router(module.router, dependencies=[Depends(reads_or_writes)])
    for administered in _ADMIN_ROUTERS:
        guarded.include_router(administered.admin_router, dependencies=[Depends(administers)])
    return guarded


def _operation_id(route: APIRoute) -> str:
    return route.name


# Once a process: FastAPI analyses the routes where a router is first included, most of what an app takes.
_GUARDED = _guarded()
