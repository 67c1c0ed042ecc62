"""The document is a contract: a change of it must be meant."""

import json
from pathlib import Path

import pytest

from tests.api.calling import entry
from wallscan.wire.uploads import MAX_PHOTO_BYTES

SNAPSHOT = Path(__file__).parent / "openapi.json"
ROUTES = Path(__file__).parents[2] / "docs" / "api.md"
NOBODY = "00000000-0000-0000-0000-000000000000"


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


def test_routes_answer_with_the_statuses_that_they_document(api, document):
    def documented(answer, method, path):
        assert str(answer.status_code) in document["paths"][path][method]["responses"], path
        return answer.status_code

    training = {"name": "house/tuned", "recipe": "decoder", "dataset_ids": [NOBODY]}
    assert documented(api.post("/v1/trainings", json=training), "post", "/v1/trainings") == 404
    benchmark = api.post("/v1/models/benchmark", json={"dataset_id": NOBODY})
    assert documented(benchmark, "post", "/v1/models/benchmark") == 422
    large = entry("a.jpg") | {"size_bytes": MAX_PHOTO_BYTES + 1}
    refused, expected = api.announce(api.inspection(), large, entry("b.jpg"))
    for photo, status in ((refused, 413), (expected, 409)):
        answer = api.get(f"/v1/photos/{photo['photo_id']}/thumbnail")
        assert documented(answer, "get", "/v1/photos/{photo_id}/thumbnail") == status
        assert documented(answer, "get", "/v1/photos/{photo_id}/overlay")


def test_a_route_that_looks_for_nothing_finds_nothing_missing(document):
    for path, method in (
        ("/v1/trainings", "get"), ("/v1/models/benchmark", "get"), ("/v1/models/benchmark", "post")
    ):  # fmt: skip
        assert "404" not in document["paths"][path][method]["responses"], path


def test_every_route_is_documented(document):
    text = ROUTES.read_text()
    for _, path, _ in operations(document):
        name = path.replace("{site_id}/report", "{id}/report").replace("{wall_id}/report", "{id}/report")
        assert name.replace("{inspection_id}/report", "{id}/report") in text, path
