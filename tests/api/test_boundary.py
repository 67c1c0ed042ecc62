"""The outermost layer, called as a server calls it."""

import asyncio
import json

import pytest

from wallscan.domain.codes import Code


def call(app, headers, messages):
    """The messages that the application sends for a POST of a site."""
    sent = []
    waiting = iter(messages)

    async def receive():
        return next(waiting)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/sites",
        "raw_path": b"/v1/sites",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    "more", [{}, {"Idempotency-Key": "k"}, {"Content-Type": "multipart/form-data; boundary=b"}]
)
def test_a_body_that_breaks_off_is_not_carried_out(app, api, more):
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"} | more
    part = {"type": "http.request", "body": b'{"name": "half"}', "more_body": True}
    sent = call(app, headers, [part, {"type": "http.disconnect"}])
    assert not any(message.get("status") == 201 for message in sent)
    assert api.read("/v1/sites")["items"] == []


def test_requests_are_logged_without_secrets(capsys, api):
    api.get("/v1/sites", params={"name": "a private name"}, headers={"X-Request-ID": "r-1"})
    text = capsys.readouterr().out
    (line,) = [json.loads(line) for line in text.splitlines() if '"request_id": "r-1"' in line]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/sites", 200)
    assert "a private name" not in text
    assert api.key.split("_")[2] not in text


def test_a_fault_of_ours_is_logged_whole_and_told_to_nobody(capsys, api, monkeypatch):
    def fail(*_):
        raise RuntimeError("the inner workings")

    monkeypatch.setattr("wallscan.records.sites.page", fail)
    answer = api.get("/v1/sites")
    assert (answer.status_code, answer.json()["code"]) == (500, Code.INTERNAL_ERROR)
    assert "inner workings" not in answer.text
    text = capsys.readouterr().out
    assert "the inner workings" in text
    assert answer.json()["instance"] in text
