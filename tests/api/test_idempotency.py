import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from tests.api.calling import Api, entry, problem
from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.records import idempotency, keys
from wallscan.records.idempotency import Answer, Begun, Ticket
from wallscan.records.session import transaction


def keyed(key="k-1"):
    return {"Idempotency-Key": key}


def let_the_lease_run_out(engine):
    with transaction(engine) as session:
        session.execute(text("UPDATE remembered_answers SET alive_until = now() - interval '1 second'"))


def is_held(engine):
    with transaction(engine) as session:
        return session.scalar(text("SELECT alive_until > now() FROM remembered_answers"))


def test_a_repeated_request_gets_the_first_answer(api):
    first = api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    again = api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert len(api.read("/v1/sites")["items"]) == 1


def test_a_refusal_is_repeated_too(api):
    api.make("/v1/sites", {"name": "a"})
    for _ in range(2):
        answer = api.post("/v1/sites", json={"name": "a"}, headers=keyed())
        problem(answer, 409, Code.NAME_TAKEN)
    assert answer.headers["Idempotency-Replayed"] == "true"


def test_another_request_with_the_same_key(api):
    api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    problem(api.post("/v1/sites", json={"name": "b"}, headers=keyed()), 422, Code.IDEMPOTENCY_KEY_REUSED)
    site = api.site("c")
    answer = api.post(f"/v1/sites/{site}/walls", json={"name": "a"}, headers=keyed())
    problem(answer, 422, Code.IDEMPOTENCY_KEY_REUSED)


def test_keys_of_two_callers_are_not_the_same(api, nobody, key_of):
    other = Api(nobody, key_of(["read", "write"]))
    assert api.post("/v1/sites", json={"name": "a"}, headers=keyed()).status_code == 201
    assert other.post("/v1/sites", json={"name": "b"}, headers=keyed()).status_code == 201


def test_a_form_may_be_sent_again_with_another_boundary(api):
    inspection = api.inspection()
    path = f"/v1/inspections/{inspection}/photos"
    answers = [
        api.post(path, files={"files": ("a.jpg", b"not a photo\r\n" * 20_000)}, headers=keyed())
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    other = api.post(path, files={"files": ("a.jpg", b"something else")}, headers=keyed())
    problem(other, 422, Code.IDEMPOTENCY_KEY_REUSED)


def test_many_at_once_are_carried_out_once(api):
    answers = []

    def call():
        answers.append(api.post("/v1/sites", json={"name": "a"}, headers=keyed()))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}
    assert (
        sum(answer.status_code == 201 and "Idempotency-Replayed" not in answer.headers for answer in answers)
        == 1
    )
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, Code.IDEMPOTENCY_KEY_IN_USE)
            assert answer.headers["Retry-After"]


def test_a_first_request_that_died_does_not_hold_the_key(api, engine):
    api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    with transaction(engine) as session:
        session.execute(text("UPDATE remembered_answers SET status = NULL, body = NULL"))
    again = api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    problem(again, 409, Code.IDEMPOTENCY_KEY_IN_USE)
    let_the_lease_run_out(engine)
    problem(api.post("/v1/sites", json={"name": "a"}, headers=keyed()), 409, Code.NAME_TAKEN)


def test_a_key_of_before_the_lease_is_free_after_as_long(api, engine):
    api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    with transaction(engine) as session:
        session.execute(text("UPDATE remembered_answers SET status = NULL, body = NULL, alive_until = NULL"))
    problem(api.post("/v1/sites", json={"name": "a"}, headers=keyed()), 409, Code.IDEMPOTENCY_KEY_IN_USE)
    with transaction(engine) as session:
        session.execute(
            text("UPDATE remembered_answers SET created_at = created_at - make_interval(secs => :age)"),
            {"age": idempotency.UNDER_WAY_S + 1},
        )
    problem(api.post("/v1/sites", json={"name": "a"}, headers=keyed()), 409, Code.NAME_TAKEN)


def test_a_request_that_lives_holds_its_key_however_long_it_takes(api, engine, monkeypatch):
    monkeypatch.setattr(idempotency, "UNDER_WAY_S", 9.0)
    begun, finish = threading.Event(), threading.Event()

    def slow(raw):
        begun.set()
        assert finish.wait(60)
        return raw

    monkeypatch.setattr("api.routes.sites.normal_name", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.post, "/v1/sites", json={"name": "a"}, headers=keyed())
        assert begun.wait(60)
        let_the_lease_run_out(engine)
        give_up = time.monotonic() + 60
        while not is_held(engine) and time.monotonic() < give_up:  # it is extended at every third of it
            time.sleep(0.05)
        with transaction(engine) as session:
            idempotency.forget(session)
        again = api.post("/v1/sites", json={"name": "a"}, headers=keyed())
        finish.set()
        assert first.result().status_code == 201
    problem(again, 409, Code.IDEMPOTENCY_KEY_IN_USE)
    assert (
        api.post("/v1/sites", json={"name": "a"}, headers=keyed()).headers["Idempotency-Replayed"] == "true"
    )


def test_a_slow_request_whose_key_was_begun_anew_neither_frees_it_nor_answers_for_it(engine):
    with transaction(engine) as session:
        ticket = Ticket(
            keys.authenticate(session, keys.issue(session, "tests", ["write"])).key_id, "k", "0" * 64
        )
        slow = idempotency.begin(session, ticket)
        session.execute(text("UPDATE remembered_answers SET alive_until = now() - interval '1 second'"))
    with transaction(engine) as session:
        second = idempotency.begin(session, ticket)
    assert isinstance(slow, Begun)
    assert isinstance(second, Begun)
    with transaction(engine) as session:
        assert not idempotency.extend(session, slow)
        idempotency.release(session, slow)
        idempotency.remember(session, slow, Answer(500, [], b"late"))
        with pytest.raises(WallscanError, match="under way"):
            idempotency.begin(session, ticket)
        idempotency.remember(session, second, Answer(201, [], b"done"))
    with transaction(engine) as session:
        assert idempotency.begin(session, ticket) == Answer(201, [], b"done")


def test_answers_are_forgotten(api, engine):
    api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    with transaction(engine) as session:
        session.execute(
            text("UPDATE remembered_answers SET created_at = now() - make_interval(secs => :age)"),
            {"age": idempotency.REMEMBERED_S + 1},
        )
        idempotency.forget(session)
        assert session.scalar(text("SELECT count(*) FROM remembered_answers")) == 0


def test_a_failure_of_ours_is_not_kept(api, app, monkeypatch):
    def fail(*_):
        raise RuntimeError("a bug with a secret in it")

    with monkeypatch.context() as patch:
        patch.setattr("api.routes.sites.normal_name", fail)
        answer = api.post("/v1/sites", json={"name": "a"}, headers=keyed())
    body = problem(answer, 500, Code.INTERNAL_ERROR)
    assert "secret" not in answer.text
    assert body["instance"] == answer.headers["X-Request-ID"]
    assert api.post("/v1/sites", json={"name": "a"}, headers=keyed()).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "\u00e9"])
def test_keys_that_are_none(api, key):
    answer = api.post("/v1/sites", json={"name": "a"}, headers={"Idempotency-Key": key.encode("latin-1")})
    problem(answer, 422, Code.REQUEST_INVALID)


def test_a_manifest_again_has_the_same_addresses(api):
    path = f"/v1/inspections/{api.inspection()}/uploads"
    first, again = (api.post(path, json={"files": [entry("a.jpg")]}, headers=keyed()) for _ in range(2))
    assert first.json() == again.json()
