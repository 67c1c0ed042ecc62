import uuid

import pytest
import redis

from tests.api.calling import problem
from tests.api.test_datasets import body, handed_in
from tests.records.given import data_report, given_model
from tests.records.test_trainings import claimed, epoch, let_lease_run_out
from wallscan.domain.codes import Code
from wallscan.jobs.messages import TRAINER_QUEUE
from wallscan.records import training_claims
from wallscan.records.session import transaction

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def order(api):
    """A good order."""
    return {"name": "house/tuned", "recipe": "decoder", "dataset_ids": [handed_in(api)]}


def test_a_training_is_ordered_and_rung_for(api, engine, order, redis_url):
    base = str(given_model(engine))
    key = {"Idempotency-Key": "once"}
    answers = [
        api.post("/v1/trainings", json=order | {"base": base, "seed": 4}, headers=key) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    made = answers[0].json()
    assert (made["state"], made["recipe_name"], made["base_model_id"], made["seed"]) == (
        "queued",
        "decoder",
        base,
        4,
    )
    assert (made["percent"], made["model_id"], made["dataset_ids"]) == (0, None, order["dataset_ids"])
    assert answers[0].headers["Location"] == f"/v1/trainings/{made['id']}"
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen(TRAINER_QUEUE) == 1
    assert api.read(answers[0].headers["Location"]) == made | {"epochs": [], "data_report": None}
    with transaction(engine) as session:
        assert training_claims.due(session, 600) == []


def test_what_is_to_be_made_of_the_data_is_there_to_read(api, order):
    classes = {"families": {"drywall joint": {"classes": ["*seam*"]}, "crack": {"classes": ["é"]}}}
    told = {"split": "scenes", "classes": classes, "licence": "CC BY 4.0", "attribution": ["a", "'b', 2026"]}
    made = api.make("/v1/trainings", order | told)
    assert {name: made[name] for name in told} == told
    seen = api.read(f"/v1/trainings/{made['id']}")
    assert {name: seen[name] for name in told} == told
    assert list(seen["classes"]["families"]) == ["drywall joint", "crack"]
    assert seen["data_report"] is None


def test_what_the_data_came_to_is_there_while_it_trains(api, engine, order):
    place = f"/v1/trainings/{api.make('/v1/trainings', order)['id']}"
    claim = claimed(engine, uuid.UUID(place.rpartition("/")[2]))
    before = api.get(place).headers["ETag"]
    with transaction(engine) as session:
        assert training_claims.data_read(session, claim, data_report(left_out=3))
    answer = api.get(place, headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert answer.json()["data_report"] == data_report(left_out=3).model_dump(mode="json")
    let_lease_run_out(engine)
    claim = claimed(engine, uuid.UUID(place.rpartition("/")[2]))
    before = api.get(place).headers["ETag"]
    with transaction(engine) as session:
        assert training_claims.data_read(session, claim, data_report(left_out=4))
    answer = api.get(place, headers={"If-None-Match": before})
    assert (answer.status_code, answer.headers["ETag"] == before) == (200, False)


def test_what_comes_before_the_first_step_is_there_to_watch(api, engine, order):
    made = api.make("/v1/trainings", order)
    place = f"/v1/trainings/{made['id']}"
    claim = claimed(engine, uuid.UUID(made["id"]))
    for done in (3, 4):
        before = api.get(place).headers["ETag"]
        ahead = {"what": "Teacher", "done": done, "total": 40}
        with transaction(engine) as session:
            training_claims.advance(session, claim, preparation=ahead)
        answer = api.get(place, headers={"If-None-Match": before}, params={"wait": 5})
        assert (answer.status_code, answer.json()["preparation"]) == (200, ahead)


def test_its_progress_is_there_to_watch(api, engine, order):
    made = api.make("/v1/trainings", order)
    place = f"/v1/trainings/{made['id']}"
    before = api.get(place).headers["ETag"]
    assert api.get(place, headers={"If-None-Match": before}).status_code == 304
    claim = claimed(engine, uuid.UUID(made["id"]))
    with transaction(engine) as session:
        training_claims.advance(session, claim, [epoch(1)], step=4, steps=16, loss=0.5, eta_s=30.0)
    answer = api.get(place, headers={"If-None-Match": before}, params={"wait": 5})
    seen = answer.json()
    assert (answer.status_code, seen["state"], seen["percent"], seen["eta_s"]) == (200, "running", 25, 30)
    assert seen["epochs"] == [epoch(1).model_dump(mode="json")]
    (listed,) = api.read("/v1/trainings")["items"]
    assert listed == {name: value for name, value in seen.items() if name not in {"epochs", "data_report"}}


def test_cancelling(api, engine, order, redis_url):
    first, second = (api.make("/v1/trainings", order)["id"] for _ in range(2))
    with redis.Redis.from_url(redis_url) as broker:
        broker.flushdb()
        at_once = api.post(f"/v1/trainings/{first}/cancel")
        assert (at_once.status_code, at_once.json()["state"]) == (202, "cancelled")
        assert at_once.json()["ended_at"] is not None
        assert broker.llen(TRAINER_QUEUE) == 0
    problem(api.post(f"/v1/trainings/{first}/cancel"), 409, Code.TRAINING_NOT_CANCELLABLE)
    claimed(engine, uuid.UUID(second))
    for _ in range(2):
        assert api.post(f"/v1/trainings/{second}/cancel").json()["state"] == "cancelling"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../x"},
        {"recipe": "../../etc/passwd"},
        {"recipe": ""},
        {"recipe": {"note": "x" * 70_000}},
        {"recipe": None},
        {"dataset_ids": []},
        {"dataset_ids": [NOBODY, NOBODY]},
        {"seed": -1},
        {"seed": 2**63},
        {"split": "shuffled"},
        {"split": None},
        {"classes": "classes.yaml"},
        {"classes": []},
        {"classes": {"note": "x" * 70_000}},
        {"licence": ""},
        {"licence": " "},
        {"licence": "x" * 201},
        {"licence": "CC BY\n4.0"},
        {"attribution": "a house"},
        {"attribution": [""]},
        {"attribution": ["a\thouse"]},
        {"attribution": ["x" * 301]},
        {"attribution": ["a house"] * 101},
        {"attribution": None},
        {"extra": 1},
    ],
)
def test_an_order_that_is_none(api, order, changes):
    problem(api.post("/v1/trainings", json=order | changes), 422, Code.REQUEST_INVALID)


def test_an_order_on_what_is_not_there(api, order):
    expected = api.make("/v1/datasets", body(b"PK to come"))["dataset"]["id"]
    for changes, status, code in (
        ({"dataset_ids": [NOBODY]}, 404, Code.DATASET_UNKNOWN),
        ({"dataset_ids": [expected]}, 409, Code.DATASET_NOT_UPLOADED),
        ({"base": "house/nothing"}, 404, Code.MODEL_UNKNOWN),
    ):
        problem(api.post("/v1/trainings", json=order | changes), status, code)
    problem(api.get(f"/v1/trainings/{NOBODY}"), 404, Code.TRAINING_UNKNOWN)
    problem(api.post(f"/v1/trainings/{NOBODY}/cancel"), 404, Code.TRAINING_UNKNOWN)


def test_administrators_alone_order(api, order, key_of):
    made = api.make("/v1/trainings", order)["id"]
    api.key = key_of(["read", "write"])
    problem(api.post("/v1/trainings", json=order), 403, Code.SCOPE_MISSING)
    problem(api.post(f"/v1/trainings/{made}/cancel"), 403, Code.SCOPE_MISSING)
    assert api.read(f"/v1/trainings/{made}")["id"] == made
