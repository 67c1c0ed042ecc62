"""The OpenAPI document: FastAPI's, with every problem that a route may answer."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from wallscan.wire.common import Problem

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "a repeated request with the same key gets the first one's answer for 24 hours",
}
_MORE_PROBLEMS: Mapping[tuple[str, str], frozenset[str]] = {
    ("post", "/v1/trainings"): frozenset({"404"}),  # looks for what its body names
    ("get", "/v1/photos/{photo_id}/thumbnail"): frozenset({"409", "413"}),  # why there are no bytes to show
    ("get", "/v1/photos/{photo_id}/overlay"): frozenset({"409", "413"}),
}
"""Problems of a route that neither its method nor its path tells."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of all routes of `app`."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/v1"):
                _complete(path, method, operation)
    return document


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    problems = {"400", "401", "403", "422", "500", "503"}
    problems |= _MORE_PROBLEMS.get((method, path), frozenset())
    if "{" in path:
        problems.add("404")
    if method in {"post", "patch"}:
        problems.add("413")
    if method == "post":
        problems.add("409")
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in sorted(problems):
        operation["responses"][status] = {"description": "Problem", "content": content}
