"""What is wrong with a request as such, whatever route it names."""

import base64
import json
import uuid

import pytest
from starlette.testclient import TestClient

from api.bootstrap import ApiSettings, Settings
from api.main import create_app
from tests.api.calling import Api, problem
from wallscan.domain.codes import Code

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"name": "Caf\xe9"}',
        '{"name": "wide"}'.encode("utf-16"),
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b'{"name": NaN}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_json(api, body):
    problem(api.post("/v1/sites", content=body, headers=JSON), 400, Code.JSON_INVALID)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b'{"name": ""}', b'{"name": 7}', b'{"name": "a", "x": 1}']
)
def test_json_that_is_no_site(api, body):
    problem(api.post("/v1/sites", content=body, headers=JSON), 422, Code.REQUEST_INVALID)


def test_a_body_that_does_not_say_it_is_json(api):
    answer = api.post("/v1/sites", content=b'{"name": "a"}', headers={"Content-Type": "text/plain"})
    problem(answer, 422, Code.REQUEST_INVALID)


def test_other_kinds_of_json_are_held_to_the_same(api):
    body, headers = b'{"name": "a\\u0000b"}', {"Content-Type": "application/vnd.site+json; charset=utf-8"}
    problem(api.post("/v1/sites", content=body, headers=headers), 400, Code.JSON_INVALID)


def test_problems_never_repeat_what_was_sent(api):
    answer = api.post("/v1/sites", json={"name": ["secret-value"]})
    assert "secret-value" not in json.dumps(problem(answer, 422, Code.REQUEST_INVALID))


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v2/sites", "/docs"])
def test_unknown_routes(api, path):
    problem(api.get(path), 404, Code.ROUTE_UNKNOWN)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/v1/sites"), ("POST", "/healthz"), ("PUT", "/v1/models")]
)
def test_known_routes_with_other_methods(api, method, path):
    problem(api.request(method, path), 405, Code.METHOD_NOT_ALLOWED)


@pytest.mark.parametrize(
    "path", ["sites/x", "walls/7", "inspections/%00", "photos/é", "runs/1", "archives/-", "models/m"]
)
def test_ids_that_are_no_ids(api, path):
    problem(api.get(f"/v1/{path}"), 422, Code.REQUEST_INVALID)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("sites", Code.SITE_UNKNOWN),
        ("walls", Code.WALL_UNKNOWN),
        ("inspections", Code.INSPECTION_UNKNOWN),
        ("photos", Code.PHOTO_UNKNOWN),
        ("runs", Code.RUN_UNKNOWN),
        ("archives", Code.ARCHIVE_UNKNOWN),
        ("models", Code.MODEL_UNKNOWN),
    ],
)
def test_ids_of_nothing(api, kind, code):
    problem(api.get(f"/v1/{kind}/{uuid.uuid4()}"), 404, code)


def cursor(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "garbage",
    ["x", "====", "é", "a" * 7999, cursor(["a", "b"]), cursor([1]), cursor(["\x00"]), cursor({}), cursor([])],
)
def test_cursors_that_are_none(api, garbage):
    problem(api.get("/v1/sites", params={"cursor": garbage}), 400, Code.CURSOR_INVALID)


def test_a_cursor_of_another_listing(api):
    problem(api.get("/v1/models", params={"cursor": cursor(["a"])}), 400, Code.CURSOR_INVALID)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "9" * 40])
def test_limits_out_of_range(api, limit):
    problem(api.get("/v1/sites", params={"limit": limit}), 422, Code.REQUEST_INVALID)


def test_a_nul_in_the_address(api):
    problem(api.get("/v1/sites?name=a%00b"), 422, Code.REQUEST_INVALID)


def test_names_are_spelled_one_way_and_taken_once(api):
    made = api.make("/v1/sites", {"name": "  Cafe\u0301   7 "})
    assert made["name"] == "Caf\u00e9 7"
    problem(api.post("/v1/sites", json={"name": "Caf\u00e9 7"}), 409, Code.NAME_TAKEN)
    assert api.read("/v1/sites", name="Cafe\u0301 7")["items"] == [made]
    assert api.read("/v1/sites", name="other")["items"] == []
    problem(api.post("/v1/sites", json={"name": "a\u202eb"}), 422, Code.REQUEST_INVALID)
    walls = f"/v1/sites/{made['id']}/walls"
    api.make(walls, {"name": "north"})
    problem(api.post(walls, json={"name": " north"}), 409, Code.NAME_TAKEN)
    problem(api.post(walls, json={"name": "\t"}), 422, Code.WALL_NAME_INVALID)


def test_pages_follow_each_other_without_gap_or_repeat(api):
    names = [f"site {number:02}" for number in range(5)]
    for name in names:
        api.make("/v1/sites", {"name": name})
    seen, params = [], {"limit": 2}
    while True:
        page = api.read("/v1/sites", **params)
        seen += [site["name"] for site in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == names


def test_inspections_are_listed_newest_first(api):
    site = api.site()
    ids = [api.inspection(site) for _ in range(3)]
    first = api.read(f"/v1/sites/{site}/inspections", limit=2)
    rest = api.read(f"/v1/sites/{site}/inspections", limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


def test_bodies_over_the_limit(settings, store, nobody, key_of):
    small = ApiSettings(max_body_bytes=1000, max_form_bytes=3000)
    with TestClient(create_app(Settings(settings.database, settings.queue, settings.s3, small))) as client:
        api = Api(client, key_of(["read", "write"]))
        inspection = api.inspection()
        problem(api.post("/v1/sites", json={"name": "x" * 2000}), 413, Code.BODY_TOO_LARGE)
        problem(api.post("/v1/sites", content=(b"x" * 600 for _ in range(2))), 413, Code.BODY_TOO_LARGE)
        files = {"files": b"x" * 4000}
        problem(api.post(f"/v1/inspections/{inspection}/photos", files=files), 413, Code.BODY_TOO_LARGE)
        form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        chunks = (form, *[b"x" * 900] * 4, b"\r\n--b--\r\n")
        answer = api.post(
            f"/v1/inspections/{inspection}/photos",
            content=iter(chunks),
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        problem(answer, 413, Code.BODY_TOO_LARGE)


def test_a_form_that_is_none(api):
    answer = api.post(
        f"/v1/inspections/{api.inspection()}/photos",
        content=b"not a form",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == Code.REQUEST_INVALID


def test_every_answer_has_a_request_id(nobody):
    assert len(nobody.get("/healthz").headers["X-Request-ID"]) == 32
    assert nobody.get("/healthz", headers={"X-Request-ID": "mine-1"}).headers["X-Request-ID"] == "mine-1"
    assert nobody.get("/healthz", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"] != "a b"
