"""More photos than a page of storage, a manifest and the window of messages hold."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import redis

from tests.api.calling import entry
from tests.api.test_runs import model, submit  # noqa: F401 - `model` is a fixture
from wallscan.jobs.messages import INSPECT_QUEUE
from wallscan.storage import keys
from wallscan.wire.uploads import MAX_MANIFEST_FILES

PHOTOS = 1_100


def test_a_submission_of_many_photos(api, store, model, redis_url, settings):  # noqa: F811
    inspection = api.inspection()
    files = [entry(f"wall {number % 7}/{number:05}.jpg", str(number).encode()) for number in range(PHOTOS)]
    outcomes = []
    for start in range(0, PHOTOS, MAX_MANIFEST_FILES):
        outcomes += api.announce(inspection, *files[start : start + MAX_MANIFEST_FILES])
    assert {outcome["outcome"] for outcome in outcomes} == {"upload"}

    def upload(outcome):
        key = keys.photo(uuid.UUID(inspection), uuid.UUID(outcome["photo_id"]))
        store.put(key, b"bytes", "image/jpeg")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(upload, outcomes))
    run = submit(api, inspection)
    assert (run["photos"], run["items"], run["skipped"]) == (PHOTOS, 2 * PHOTOS, 0)
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen(INSPECT_QUEUE) == settings.api.send_window
    assert len(api.read(f"/v1/runs/{run['id']}/items", limit=1000)["items"]) == 1000
