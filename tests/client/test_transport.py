import socket

import pytest

from tests.client.loopback import Answer, Asked, serving
from wallscan.client import transport
from wallscan.client.errors import ApiError, UnreachableError
from wallscan.client.transport import Transport

PROBLEM = b'{"title":"Gone","status":404,"code":"run_unknown","detail":"no such run","type":"about:blank"}'


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(transport, "_PAUSES_S", (0.01, 0.01))


def script(*answers: Answer):
    """Answers in order, the last one for ever; and what was asked."""
    asked: list[Asked] = []

    def respond(request: Asked) -> Answer:
        asked.append(request)
        return answers[min(len(asked), len(answers)) - 1]

    return respond, asked


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(503, headers={"Retry-After": "0"}),
        Answer(409, headers={"Retry-After": "0"}),
        Answer(502),
        Answer(429),
        Answer(hang_up=True),
    ],
)
def test_a_passing_trouble_is_tried_again(trouble):
    respond, asked = script(trouble, trouble, Answer(body=b"[1]"))
    with serving(respond) as url:
        assert Transport(url, "key").get("/v1/x").json() == [1]
    assert len(asked) == 3


def test_a_post_that_is_sent_again_keeps_its_idempotency_key():
    respond, asked = script(Answer(hang_up=True), Answer(503), Answer(201, b'{"id": 1}'))
    with serving(respond) as url:
        Transport(url, "key").post("/v1/x", {"a": 1})
        Transport(url, "key").post("/v1/x", {"a": 1})
    keys = [request.headers["idempotency-key"] for request in asked]
    assert keys[0] == keys[1] == keys[2]
    assert keys[3] != keys[0]
    assert asked[2].body == b'{"a":1}'


def test_a_post_waits_for_its_first_try_however_long_that_is_under_way():
    under_way = Answer(409, headers={"Retry-After": "0"})
    respond, asked = script(Answer(hang_up=True), *[under_way] * 9, Answer(201, b'{"id": 1}'))
    with serving(respond) as url:
        assert Transport(url, "key").post("/v1/x", {"a": 1}).status_code == 201
    assert len({request.headers["idempotency-key"] for request in asked}) == 1


def test_the_key_is_sent_as_a_bearer():
    respond, asked = script(Answer())
    with serving(respond) as url:
        Transport(url, "secret").get("/v1/x")
    assert asked[0].headers["authorization"] == "Bearer secret"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    respond, asked = script(Answer())
    with serving(respond) as url:
        Transport(url, "key").get("/v1/x")
    assert len(asked) == 1


def test_a_problem_becomes_an_error_with_its_code_and_is_not_tried_again():
    respond, asked = script(Answer(404, PROBLEM))
    with serving(respond) as url, pytest.raises(ApiError) as caught:
        Transport(url, "key").get("/v1/runs/1")
    assert (caught.value.code, caught.value.status, caught.value.detail) == (
        "run_unknown",
        404,
        "no such run",
    )
    assert len(asked) == 1


def test_a_problem_names_the_fields_at_fault():
    fields = b'"errors":[{"field":"prompts.0","message":"too long"}]'
    respond, _ = script(Answer(422, PROBLEM[:-1] + b"," + fields + b"}"))
    with serving(respond) as url, pytest.raises(ApiError, match=r"prompts\.0: too long"):
        Transport(url, "key").get("/v1/runs/1")


def test_a_problem_of_a_newer_server_is_understood():
    respond, _ = script(Answer(404, PROBLEM[:-1] + b',"hint":"look elsewhere"}'))
    with serving(respond) as url, pytest.raises(ApiError, match="no such run"):
        Transport(url, "key").get("/v1/runs/1")


def test_an_error_page_of_a_proxy_is_an_error_too():
    respond, _ = script(Answer(500, b"<html>Oops</html>"))
    with serving(respond) as url, pytest.raises(ApiError) as caught:
        Transport(url, "key").get("/v1/x")
    assert (caught.value.code, caught.value.status) == ("internal_error", 500)


def test_trouble_that_stays_is_reported():
    respond, asked = script(Answer(503, PROBLEM.replace(b"404", b"503").replace(b"run_unknown", b"down")))
    with serving(respond) as url, pytest.raises(ApiError) as caught:
        Transport(url, "key").get("/v1/x")
    assert caught.value.code == "down"
    assert len(asked) == 3


def test_nobody_at_the_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnreachableError, match="api_unreachable"):
        Transport(url, "key").get("/v1/x")


def test_an_address_without_a_scheme_is_reported_at_once():
    with pytest.raises(UnreachableError, match="api_unreachable"):
        Transport("localhost:8000", "key").get("/v1/x")
