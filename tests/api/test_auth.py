import datetime as dt
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from tests.api.calling import Api, problem
from wallscan.domain.codes import Code
from wallscan.records import keys
from wallscan.records.access import Key
from wallscan.records.session import transaction

OPEN = {"/healthz", "/readyz", "/openapi.json"}


def operations(app):
    """Every operation of the document with its ids filled in: (method, path, scope)."""
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            concrete = path
            while "{" in concrete:
                before, _, rest = concrete.partition("{")
                concrete = before + str(uuid.uuid4()) + rest.partition("}")[2]
            yield method.upper(), concrete, "read" if method == "get" else "write"


def test_the_document_names_all_routes(app):
    assert len(list(operations(app))) >= 28


def test_nothing_is_open_but_health_and_the_document(app, nobody):
    for method, path, _ in operations(app):
        answer = nobody.request(method, path)
        if path in OPEN:
            assert answer.status_code == 200, path
        else:
            problem(answer, 401, Code.KEY_INVALID)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert nobody.get("/openapi.json").status_code == 200


def test_a_reading_key_writes_nothing(app, nobody, key_of):
    reader = Api(nobody, key_of(["read"]))
    for method, path, scope in operations(app):
        if scope == "write":
            files = {"file": b"x", "files": b"x"} if path.endswith(("photos", "archives")) else None
            sent: dict[str, Any] = {"json": {}} if files is None else {"files": files}
            problem(reader.request(method, path, **sent), 403, Code.SCOPE_MISSING)


def test_a_writing_key_reads_nothing_and_administers_nothing(nobody, key_of):
    writer = Api(nobody, key_of(["write"]))
    problem(writer.get("/v1/sites"), 403, Code.SCOPE_MISSING)
    problem(writer.post("/v1/models", json={"manifest": {}}), 403, Code.SCOPE_MISSING)


@pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda key: key + "x", lambda _: ""])
def test_a_changed_key_is_no_key(nobody, key_of, change):
    problem(Api(nobody, change(key_of(["read"]))).get("/v1/sites"), 401, Code.KEY_INVALID)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic dTpw", "Bearer wsk__", "Bearer \u00ff\u00ff"])
def test_other_headers_are_no_key(nobody, header):
    answer = nobody.get("/v1/sites", headers={"Authorization": header.encode("latin-1")})
    problem(answer, 401, Code.KEY_INVALID)


def test_expired_and_revoked_keys_are_refused(nobody, key_of, engine):
    ended = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    problem(Api(nobody, key_of(["read"], expires_at=ended)).get("/v1/sites"), 401, Code.KEY_INVALID)
    key = key_of(["read"])
    assert Api(nobody, key).get("/v1/sites").status_code == 200
    with transaction(engine) as session:
        keys.revoke(session, key.split("_")[1])
    problem(Api(nobody, key).get("/v1/sites"), 401, Code.KEY_INVALID)


def test_of_the_secret_only_a_hash_is_kept(key_of, engine):
    secret = key_of(["read"]).split("_", 2)[2]
    with transaction(engine) as session:
        row = session.scalars(select(Key)).one()
        kept = [str(getattr(row, column.name)) for column in Key.__table__.columns]
    assert len(secret) >= 43
    assert not any(secret in value for value in kept)


def test_a_key_bound_to_a_site_sees_no_other(api, nobody, key_of):
    own, other = api.site("own"), api.site("other")
    bound = Api(nobody, key_of(["read", "write"], [uuid.UUID(own)]))
    inspections = [api.inspection(site) for site in (own, other)]
    walls = [api.make(f"/v1/sites/{site}/walls", {"name": "north"})["id"] for site in (own, other)]
    photos = [api.announce(one, _file())[0]["photo_id"] for one in inspections]

    assert [site["id"] for site in bound.read("/v1/sites")["items"]] == [own]
    for kind, ids, code in (
        ("sites", (own, other), Code.SITE_UNKNOWN),
        ("walls", walls, Code.WALL_UNKNOWN),
        ("inspections", inspections, Code.INSPECTION_UNKNOWN),
        ("photos", photos, Code.PHOTO_UNKNOWN),
    ):
        assert bound.get(f"/v1/{kind}/{ids[0]}").status_code == 200
        problem(bound.get(f"/v1/{kind}/{ids[1]}"), 404, code)
    hidden = f"/v1/inspections/{inspections[1]}"
    problem(bound.post(f"{hidden}/uploads", json={"files": [_file()]}), 404, Code.INSPECTION_UNKNOWN)
    problem(bound.post(f"{hidden}/photos", files={"files": b"x"}), 404, Code.INSPECTION_UNKNOWN)
    problem(bound.post(f"{hidden}/archives", files={"file": b"x"}), 404, Code.INSPECTION_UNKNOWN)
    problem(bound.post(f"{hidden}/runs", json={}), 404, Code.INSPECTION_UNKNOWN)
    problem(bound.get(f"{hidden}/photos"), 404, Code.INSPECTION_UNKNOWN)
    problem(bound.post("/v1/sites", json={"name": "a third"}), 403, Code.SCOPE_MISSING)


def test_a_stranger_is_refused_before_the_body_is_looked_at(nobody):
    answer = nobody.post("/v1/sites", content=b"\xff", headers={"Content-Type": "application/json"})
    problem(answer, 401, Code.KEY_INVALID)


def _file():
    return {"path": "north/a.jpg", "size_bytes": 1, "sha256": "0" * 64}
