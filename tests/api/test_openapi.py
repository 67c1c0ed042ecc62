"""The document is a contract: a change of it must be meant."""

import json
from pathlib import Path

import pytest

SNAPSHOT = Path(__file__).parent / "openapi.json"
ROUTES = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def document(app):
    return json.loads(json.dumps(app.openapi()))


def operations(document):
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_the_one_that_was_agreed(document):
    """After a change that is meant: `python -m tests.api.openapi_snapshot`."""
    assert document == json.loads(SNAPSHOT.read_text())


def test_operation_ids_are_the_names_of_the_routes(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert all(name.islower() and name.isidentifier() for name in ids)


def test_every_guarded_route_tells_its_problems_and_its_key(document):
    for method, path, operation in operations(document):
        if not path.startswith("/v1"):
            continue
        assert operation["security"] == [{"Key": []}], path
        expected = {"400", "401", "403", "422", "500", "503"} | (
            {"409", "413"} if method == "POST" else set()
        )
        assert expected <= set(operation["responses"]), path
        for status in expected:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_what_the_body_names_may_be_unknown_too(document):
    for path in ("/v1/trainings", "/v1/models/benchmark"):
        assert "404" in document["paths"][path]["post"]["responses"], path


def test_every_route_is_documented(document):
    text = ROUTES.read_text()
    for _, path, _ in operations(document):
        name = path.replace("{site_id}/report", "{id}/report").replace("{wall_id}/report", "{id}/report")
        assert name.replace("{inspection_id}/report", "{id}/report") in text, path
