import io
import uuid

import redis

from tests.api.calling import Api, problem
from tests.photos import zips
from tests.photos.pictures import encode, wall
from wallscan.domain.codes import Code
from wallscan.jobs.messages import INTAKE_QUEUE
from wallscan.records import archive_claims
from wallscan.records.session import transaction
from wallscan.storage import keys


def send(api: Api, inspection: str, data: bytes, name: str = "photos.zip"):
    return api.post(f"/v1/inspections/{inspection}/archives", files={"file": (name, io.BytesIO(data))})


def test_an_archive_is_stored_and_queued(api, store, redis_url):
    data = zips.make({"north/a.jpg": encode(wall())})
    answer = send(api, api.inspection(), data, "Fotos \u00fc.zip")
    assert answer.status_code == 202
    archive = answer.json()
    assert answer.headers["Location"] == f"/v1/archives/{archive['id']}"
    assert (archive["state"], archive["percent"], archive["file_name"]) == ("queued", 0.0, "Fotos \u00fc.zip")
    assert store.get(keys.archive(uuid.UUID(archive["id"]))) == data
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen(INTAKE_QUEUE) == 1


def test_a_large_archive_is_streamed(api, store):
    data = bytes(range(256)) * 2**16
    archive = send(api, api.inspection(), data).json()
    assert store.stat(keys.archive(uuid.UUID(archive["id"]))).size_bytes == len(data)


def test_status_says_how_far_it_is(api, engine):
    archive = send(api, api.inspection(), b"zip").json()
    path = f"/v1/archives/{archive['id']}"
    etag = api.get(path).headers["ETag"]
    assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
    with transaction(engine) as session:
        claim = archive_claims.claim(session, uuid.UUID(archive["id"]), 60)
        assert claim is not None
        archive_claims.advance(session, claim, total=4, done=1, ignored=1)
    seen = api.read(path)
    assert (seen["state"], seen["percent"], seen["ignored"]) == ("running", 25.0, 1)
    with transaction(engine) as session:
        archive_claims.fail(session, claim, Code.ARCHIVE_NOT_ZIP, "no zip")
    ended = api.read(path, wait=60)
    assert (ended["state"], ended["code"]) == ("failed", Code.ARCHIVE_NOT_ZIP)


def test_a_form_without_the_archive(api):
    inspection = api.inspection()
    answer = api.post(f"/v1/inspections/{inspection}/archives", files={"other": b"x"})
    assert problem(answer, 422, Code.REQUEST_INVALID)["errors"][0]["field"] == "file"


def test_an_archive_of_no_inspection(api):
    problem(send(api, str(uuid.uuid4()), b"zip"), 404, Code.INSPECTION_UNKNOWN)
