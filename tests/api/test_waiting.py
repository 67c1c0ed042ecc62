import threading

import pytest
from sqlalchemy import event

from tests.api.calling import problem
from tests.api.test_runs import JPEG, model, submit, work_on  # noqa: F401 - `model` is a fixture
from wallscan.domain.codes import Code


@pytest.fixture
def run(api, model):  # noqa: F811
    inspection = api.inspection()
    photos = api.upload(inspection, ("north/a.jpg", JPEG))
    return submit(api, inspection) | {"photo": photos[0]["photo_id"]}


def test_nothing_new_is_304(api, run):
    path = f"/v1/runs/{run['id']}"
    answer = api.get(path)
    etag = answer.headers["ETag"]
    assert etag.startswith('W/"')
    again = api.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert api.get(path, headers={"If-None-Match": f'"other", {etag}'}).status_code == 304
    assert api.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_change_ends_the_waiting(api, run, engine):
    worker = threading.Timer(0.3, work_on, (engine, run, run["photo"]))
    worker.start()
    seen = api.read(f"/v1/runs/{run['id']}", wait=60)
    worker.join()
    while seen["state"] != "succeeded":  # the run began, then ended: two changes
        seen = api.read(f"/v1/runs/{run['id']}", wait=60)
    assert seen["percent"] == 100.0


def test_an_ended_run_is_not_waited_for(api, run, engine):
    work_on(engine, run, run["photo"])
    etag = api.get(f"/v1/runs/{run['id']}", params={"wait": 60}).headers["ETag"]
    answer = api.get(f"/v1/runs/{run['id']}", params={"wait": 60}, headers={"If-None-Match": etag})
    assert answer.status_code == 304


def test_waiting_ends_and_holds_no_connection_between_looks(api, run, app):
    taken, given_back = [], []
    pool = app.state.services.engine.pool
    event.listen(pool, "checkout", lambda *_: taken.append(1))
    event.listen(pool, "checkin", lambda *_: given_back.append(1))
    seen = api.read(f"/v1/runs/{run['id']}", wait=1)
    assert seen["state"] == "queued"
    assert len(taken) == len(given_back) >= 3  # the key, the first look, the last look


@pytest.mark.parametrize("wait", ["61", "-1", "nan", "x"])
def test_waits_out_of_range(api, run, wait):
    problem(api.get(f"/v1/runs/{run['id']}", params={"wait": wait}), 422, Code.REQUEST_INVALID)
