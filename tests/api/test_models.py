import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis
from sqlalchemy import func, select

from tests.api.calling import problem
from tests.records.given import given_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.domain.lifecycle import DatasetState
from wallscan.jobs.messages import TRAINER_QUEUE
from wallscan.records import comparisons, model_checks
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction
from wallscan.records.training_tables import Dataset
from wallscan.wire.models import Measured

FILES = {
    "config.json": b'{"model_type": "clipseg"}',
    "model.safetensors": b"weights",
    "preprocessor_config.json": b"{}",
    "tokenizer.json": b"{}!",
}


def manifest(**changes):
    files = [
        {"name": name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in FILES.items()
    ]
    facts = {"name": "house/model", "created_at": "2026-01-02T03:04:05Z", "licence": "Apache-2.0"}
    return {**facts, "default_presence": 0.5, "files": files, **changes}


def test_a_bundle_is_announced_uploaded_and_put_up_for_checking(api, redis_url):
    made = api.make("/v1/models", {"manifest": manifest()})
    assert (made["model"]["state"], made["model"]["active"]) == ("expected", False)
    assert set(made["targets"]) == set(FILES)
    name, target = next(iter(made["targets"].items()))
    assert httpx.put(target["url"], content=FILES[name], headers=target["headers"]).status_code == 200
    again = api.make("/v1/models", {"manifest": manifest()})
    assert again["model"] == made["model"]
    assert set(again["targets"]) == set(FILES) - {name}
    answer = api.post(f"/v1/models/{made['model']['id']}/check")
    assert (answer.status_code, answer.json()["state"]) == (202, "checking")
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen(TRAINER_QUEUE) == 1


def test_a_rejected_bundle_may_be_handed_in_again(api, engine):
    model = api.make("/v1/models", {"manifest": manifest()})["model"]
    api.post(f"/v1/models/{model['id']}/check")
    with transaction(engine) as session:
        claim = model_checks.claim(session, uuid.UUID(model["id"]), 60.0)
        assert claim is not None
        assert model_checks.finish(session, claim, BundleError(Code.BUNDLE_UNLOADABLE, "no"))
    rejected = api.read(f"/v1/models/{model['id']}")
    assert (rejected["state"], rejected["code"]) == ("rejected", Code.BUNDLE_UNLOADABLE)
    problem(api.post(f"/v1/models/{model['id']}/activate"), 409, Code.MODEL_NOT_READY)
    assert api.make("/v1/models", {"manifest": manifest()})["model"]["state"] == "expected"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"default_presence": 2}, Code.BUNDLE_MANIFEST_INVALID),
        ({"extra": 1}, Code.BUNDLE_MANIFEST_INVALID),
        ({"name": "../x"}, Code.BUNDLE_MANIFEST_INVALID),
        ({"files": manifest()["files"][:1]}, Code.BUNDLE_FILE_MISSING),
        (
            {"files": [{"name": "model.bin", "size_bytes": 1, "sha256": "0" * 64}]},
            Code.BUNDLE_FILE_FORBIDDEN,
        ),
    ],
)
def test_manifests_that_are_none(api, changes, code):
    problem(api.post("/v1/models", json={"manifest": manifest(**changes)}), 422, code)


def test_a_ready_model_stays_ready(api, engine, redis_url):
    model = given_model(engine)
    assert api.post(f"/v1/models/{model}/check").json()["state"] == "ready"
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen(TRAINER_QUEUE) == 0


def test_one_model_is_active(api, engine):
    ids = [str(given_model(engine)) for _ in range(4)]
    answers = together(lambda model_id: api.post(f"/v1/models/{model_id}/activate"), ids)
    # The first to come needs no comparison; the others are compared with it before they serve.
    assert sorted(answer.status_code for answer in answers) == [200, 202, 202, 202]
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).where(ModelVersion.active)) == 1
    listed = api.read("/v1/models", limit=3)
    rest = api.read("/v1/models", limit=3, cursor=listed["next_cursor"])
    assert [model["id"] for model in listed["items"] + rest["items"]] == ids[::-1]


def test_a_version_is_compared_before_it_takes_the_place_of_another(api, engine, redis_url):
    first, second = (str(given_model(engine)) for _ in range(2))
    serves = api.post(f"/v1/models/{first}/activate")
    assert (serves.status_code, serves.json()["active"], serves.json()["comparison"]) == (200, True, None)
    assert [(one["kind"], one["key_name"]) for one in serves.json()["activations"]] == [("first", "tests")]
    for _ in range(2):
        asked = api.post(f"/v1/models/{second}/activate")
        assert (asked.status_code, asked.json()["active"]) == (202, False)
        assert asked.json()["comparison"]["state"] == "queued"
        assert asked.json()["comparison"]["active_id"] == first
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen(TRAINER_QUEUE) >= 1
    again = api.post(f"/v1/models/{first}/activate")
    assert (again.status_code, len(again.json()["activations"])) == (200, 1)


def test_force_needs_a_reason_and_is_on_record(api, engine, key_of):
    first, second = (str(given_model(engine)) for _ in range(2))
    api.post(f"/v1/models/{first}/activate")
    problem(api.post(f"/v1/models/{second}/activate", json={"force": True}), 422, Code.REQUEST_INVALID)
    order = {"force": True, "reason": "the old one is blind on tiles", "expected_active_id": second}
    problem(api.post(f"/v1/models/{second}/activate", json=order), 409, Code.MODEL_ACTIVE_CHANGED)
    forced = api.make(f"/v1/models/{second}/activate", order | {"expected_active_id": first})
    assert forced["active"]
    (noted,) = api.read(f"/v1/models/{second}")["activations"]
    assert (noted["kind"], noted["key_name"], noted["reason"]) == ("forced", "tests", order["reason"])


def test_rolling_back_step_by_step(api, engine):
    ids = [str(given_model(engine)) for _ in range(3)]
    problem(api.post("/v1/models/rollback"), 409, Code.ROLLBACK_IMPOSSIBLE)
    for model_id in ids:
        api.make(f"/v1/models/{model_id}/activate", {"force": True, "reason": "test"})
    expected = {"expected_active_id": ids[0]}
    problem(api.post("/v1/models/rollback", json=expected), 409, Code.MODEL_ACTIVE_CHANGED)
    assert api.make("/v1/models/rollback", {"reason": "false alarms"})["id"] == ids[1]
    assert api.post("/v1/models/rollback").json()["id"] == ids[0]
    problem(api.post("/v1/models/rollback"), 409, Code.ROLLBACK_IMPOSSIBLE)
    noted = api.read("/v1/models/activations", limit=3)
    rest = api.read("/v1/models/activations", cursor=noted["next_cursor"])
    served = [one["model_id"] for one in noted["items"] + rest["items"]]
    assert served == [ids[0], ids[1], ids[2], ids[1], ids[0]]
    assert noted["items"][1]["reason"] == "false alarms"


def test_of_two_who_roll_back_what_they_see_one_does(api, engine):
    ids = [str(given_model(engine)) for _ in range(3)]
    for model_id in ids:
        api.make(f"/v1/models/{model_id}/activate", {"force": True, "reason": "test"})
    order = {"expected_active_id": ids[2]}
    answers = together(lambda _: api.post("/v1/models/rollback", json=order), range(2))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert api.read(f"/v1/models/{ids[1]}")["active"]


def test_a_benchmark_is_a_stored_data_set(api, engine):
    assert set(api.read("/v1/models/benchmark").values()) == {None}
    unknown = {"dataset_id": str(uuid.uuid4())}
    problem(api.post("/v1/models/benchmark", json=unknown), 422, Code.BENCHMARK_UNUSABLE)
    dataset = Dataset(name="walls", sha256="a" * 64, size_bytes=1, state=DatasetState.STORED)
    with transaction(engine) as session:
        session.add(dataset)
    chosen = api.make("/v1/models/benchmark", {"dataset_id": str(dataset.id)})
    assert (chosen["name"], chosen["sha256"], chosen["key_name"]) == ("walls", "a" * 64, "tests")
    first, second = (str(given_model(engine)) for _ in range(2))
    api.post(f"/v1/models/{first}/activate")
    assert api.make(f"/v1/models/{second}/activate", {})["comparison"]["dataset_id"] == str(dataset.id)
    assert api.make("/v1/models/benchmark", {"dataset_id": None})["name"] is None


def test_only_administrators_change_what_serves(api, engine, key_of):
    model = given_model(engine)
    api.key = key_of(["read", "write"])
    for path in (f"/v1/models/{model}/activate", "/v1/models/rollback", "/v1/models/benchmark"):
        problem(api.post(path, json={}), 403, Code.SCOPE_MISSING)


def test_a_decoder_alone_needs_its_base(api, engine):
    data = b"decoder"
    files = [{"name": "decoder.safetensors", "size_bytes": 7, "sha256": hashlib.sha256(data).hexdigest()}]
    base = {"name": "house/model", "digest": "b" * 64}
    delta = {"manifest": manifest(files=files, delta_of=base)}
    problem(api.post("/v1/models", json=delta), 422, Code.BUNDLE_BASE_MISSING)
    given_model(engine, "b" * 64)
    assert set(api.make("/v1/models", delta)["targets"]) == {"decoder.safetensors"}


def together(call, arguments):
    """The answers of calls made at the same time."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, arguments))


def test_a_version_and_its_comparison_are_told_as_of_one_moment(api, engine, monkeypatch):
    """The comparison passes between the two statements that the answer is made of."""
    serving, rival = given_model(engine), given_model(engine)
    for model_id in (serving, rival):
        assert api.post(f"/v1/models/{model_id}/activate").status_code in {200, 202}
    latest = comparisons.latest

    def latest_once_passed(session, model_id):
        measured = Measured(benchmark="made up", benchmark_sha256="0" * 64, photos=3, groups=2, checks=[])
        with transaction(engine) as other:
            (message,) = comparisons.queued(other, rival)
            claim = comparisons.claim(other, message.comparison_id, 60.0)
            assert claim is not None
            assert comparisons.finish(other, claim, measured, None)
        return latest(session, model_id)

    monkeypatch.setattr(comparisons, "latest", latest_once_passed)
    during = api.read(f"/v1/models/{rival}")
    assert (during["active"], during["comparison"]["state"]) == (False, "queued")
    monkeypatch.undo()
    after = api.read(f"/v1/models/{rival}")
    assert (after["active"], after["comparison"]["state"]) == (True, "passed")
