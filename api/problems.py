"""Every error as RFC 9457 `application/problem+json`, with a stable code and the status that goes with it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.wire.common import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
_INPUT = HTTPStatus.UNPROCESSABLE_ENTITY

STATUSES: Mapping[Code, HTTPStatus] = {
    **dict.fromkeys((Code.CURSOR_INVALID, Code.JSON_INVALID), HTTPStatus.BAD_REQUEST),
    Code.KEY_INVALID: HTTPStatus.UNAUTHORIZED,
    Code.SCOPE_MISSING: HTTPStatus.FORBIDDEN,
    Code.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    **dict.fromkeys(
        (
            Code.ARCHIVE_UNKNOWN,
            Code.DATASET_UNKNOWN,
            Code.INSPECTION_UNKNOWN,
            Code.MASK_UNKNOWN,
            Code.MODEL_UNKNOWN,
            Code.OBJECT_MISSING,
            Code.PHOTO_UNKNOWN,
            Code.PIPELINE_UNKNOWN,
            Code.ROUTE_UNKNOWN,
            Code.RUN_UNKNOWN,
            Code.SITE_UNKNOWN,
            Code.TRAINING_UNKNOWN,
            Code.WALL_UNKNOWN,
        ),
        HTTPStatus.NOT_FOUND,
    ),
    **dict.fromkeys(
        (
            Code.DATASET_NOT_UPLOADED,
            Code.IDEMPOTENCY_KEY_IN_USE,
            Code.MODEL_ACTIVE_CHANGED,
            Code.MODEL_GATE_REFUSED,
            Code.MODEL_NOT_READY,
            Code.NAME_TAKEN,
            Code.OBJECT_EXISTS,
            Code.PATH_CONFLICT,
            Code.PHOTO_NOT_UPLOADED,
            Code.RUN_NOT_CANCELLABLE,
            Code.ROLLBACK_IMPOSSIBLE,
            Code.RUN_NOT_RETRYABLE,
            Code.TRAINING_NOT_CANCELLABLE,
            Code.RUN_NOT_REUSABLE,
        ),
        HTTPStatus.CONFLICT,
    ),
    **dict.fromkeys(
        (Code.ARCHIVE_TOO_MANY_BYTES, Code.BODY_TOO_LARGE, Code.PHOTO_TOO_MANY_BYTES),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ),
    Code.INTERNAL_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    **dict.fromkeys(
        (Code.BROKER_UNAVAILABLE, Code.DATABASE_UNAVAILABLE, Code.NOT_READY, Code.STORAGE_UNAVAILABLE),
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
}
"""The status of each code that is not a plain fault of the input (422)."""

_FRAMEWORK_CODES = {404: Code.ROUTE_UNKNOWN, 405: Code.METHOD_NOT_ALLOWED, 413: Code.BODY_TOO_LARGE}


def status_of(code: Code) -> HTTPStatus:
    """The HTTP status of an error code."""
    return STATUSES.get(code, _INPUT)


def problem_response(
    code: Code,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as a response, with the headers that its status asks for."""
    status = status_of(code)
    problem = Problem(
        title=status.phrase,
        status=status,
        code=code,
        detail=detail,
        instance=instance,
        errors=list(errors),
    )
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**_headers(code, status), **(headers or {})},
    )


def error_response(error: WallscanError) -> Response:
    """An expected failure as a response."""
    return problem_response(error.code, error.detail)


async def on_wallscan_error(_: Request, error: Exception) -> Response:
    """FastAPI's handler of expected failures."""
    if not isinstance(error, WallscanError):
        raise error
    return error_response(error)


async def on_invalid_request(_: Request, error: Exception) -> Response:
    """FastAPI's handler of requests that break the contract: which fields and why, not what they held."""
    if not isinstance(error, RequestValidationError):
        raise error
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem_response(Code.JSON_INVALID, "the body is no JSON")
    fields = [
        FieldProblem(field=".".join(str(part) for part in fault["loc"][1:]), message=fault["msg"])
        for fault in faults[:100]
    ]
    return problem_response(Code.REQUEST_INVALID, "the request does not fit the contract", errors=fields)


async def on_http_exception(_: Request, error: Exception) -> Response:
    """FastAPI's handler of what the framework itself refuses."""
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, WallscanError):
        return error_response(error.__cause__)
    code = _FRAMEWORK_CODES.get(error.status_code, Code.REQUEST_INVALID)
    return problem_response(code, str(error.detail), headers=error.headers)


def _headers(code: Code, status: HTTPStatus) -> dict[str, str]:
    if status is HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status is HTTPStatus.SERVICE_UNAVAILABLE or code is Code.IDEMPOTENCY_KEY_IN_USE:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {}
