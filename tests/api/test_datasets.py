import hashlib

import httpx
import pytest

from tests.api.calling import problem
from wallscan.domain.codes import Code

CONTENT = b"PK a zip of walls"


def body(content=CONTENT, **changes):
    sha256 = hashlib.sha256(content).hexdigest()
    return {"name": "walls", "size_bytes": len(content), "sha256": sha256} | changes


def handed_in(api, content=CONTENT, **changes):
    """The id of a data set whose bytes are in storage."""
    made = api.make("/v1/datasets", body(content, **changes))
    answer = httpx.put(made["target"]["url"], content=content, headers=made["target"]["headers"])
    assert answer.status_code == 200
    assert api.make(f"/v1/datasets/{made['dataset']['id']}/complete", {})["state"] == "stored"
    return made["dataset"]["id"]


def test_a_data_set_is_announced_uploaded_and_completed(api):
    made = api.make("/v1/datasets", body())
    dataset = made["dataset"]
    assert (dataset["name"], dataset["state"], dataset["size_bytes"]) == ("walls", "expected", len(CONTENT))
    problem(api.post(f"/v1/datasets/{dataset['id']}/complete"), 409, Code.DATASET_NOT_UPLOADED)
    target = made["target"]
    other = b"x" * len(CONTENT)
    assert httpx.put(target["url"], content=other, headers=target["headers"]).status_code == 400
    assert httpx.put(target["url"], content=CONTENT, headers=target["headers"]).status_code == 200
    for _ in range(2):
        assert api.post(f"/v1/datasets/{dataset['id']}/complete").json()["state"] == "stored"
    assert api.read(f"/v1/datasets/{dataset['id']}") == dataset | {"state": "stored"}


def test_the_same_content_is_there_once(api):
    dataset_id = handed_in(api)
    again = api.make("/v1/datasets", body(name="the same walls"))
    assert (again["dataset"]["id"], again["dataset"]["name"], again["target"]) == (dataset_id, "walls", None)
    other = handed_in(api, b"PK other walls")
    listed = api.read("/v1/datasets", limit=1)
    rest = api.read("/v1/datasets", limit=1, cursor=listed["next_cursor"])
    assert [one["id"] for one in listed["items"] + rest["items"]] == [other, dataset_id]


def test_a_wrong_size_does_not_keep_the_right_bytes_out(api):
    wrong = api.make("/v1/datasets", body(size_bytes=len(CONTENT) + 1))
    assert handed_in(api) == wrong["dataset"]["id"]


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"size_bytes": 0}, {"size_bytes": 5 * 2**30}, {"sha256": "0" * 63}, {"extra": 1}],
)
def test_an_announcement_that_is_none(api, changes):
    problem(api.post("/v1/datasets", json=body(**changes)), 422, Code.REQUEST_INVALID)


def test_a_data_set_that_is_nowhere(api):
    nowhere = "/v1/datasets/00000000-0000-0000-0000-000000000000"
    problem(api.get(nowhere), 404, Code.DATASET_UNKNOWN)
    problem(api.post(f"{nowhere}/complete"), 404, Code.DATASET_UNKNOWN)


def test_administrators_alone_hand_in(api, key_of):
    dataset_id = handed_in(api)
    api.key = key_of(["read", "write"])
    problem(api.post("/v1/datasets", json=body()), 403, Code.SCOPE_MISSING)
    problem(api.post(f"/v1/datasets/{dataset_id}/complete"), 403, Code.SCOPE_MISSING)
    assert api.read(f"/v1/datasets/{dataset_id}")["id"] == dataset_id
