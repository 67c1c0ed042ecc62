import hashlib
import threading
import uuid

import httpx
import pytest
import redis
from sqlalchemy import func, select

from tests.api.calling import problem
from tests.records.given import given_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.jobs.messages import TRAINER_QUEUE
from wallscan.records import models
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction

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
        assert models.checked(session, uuid.UUID(model["id"]), BundleError(Code.BUNDLE_UNLOADABLE, "no"))
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
    answers = []

    def activate(model_id):
        answers.append(api.post(f"/v1/models/{model_id}/activate"))

    threads = [threading.Thread(target=activate, args=(model_id,)) for model_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status_code, answer.json()["active"]) for answer in answers} == {(200, True)}
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).where(ModelVersion.active)) == 1
    listed = api.read("/v1/models", limit=3)
    rest = api.read("/v1/models", limit=3, cursor=listed["next_cursor"])
    assert [model["id"] for model in listed["items"] + rest["items"]] == ids[::-1]
