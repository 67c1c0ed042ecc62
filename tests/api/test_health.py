import socket
import subprocess
import sys

from starlette.testclient import TestClient

from api.bootstrap import DatabaseSettings, Settings
from api.main import create_app
from tests.api.calling import Api, problem
from tests.photos.pictures import encode, wall
from tests.records.given import given_model
from wallscan.domain.codes import Code
from wallscan.jobs.app import QueueSettings
from wallscan.storage import S3Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without(settings: Settings, part: str) -> Settings:
    """The settings with nothing listening where one part should be."""
    port = free_port()
    database, queue, s3 = settings.database, settings.queue, settings.s3
    if part == "database":
        database = DatabaseSettings(database_url=f"postgresql+psycopg://nobody@127.0.0.1:{port}/none")
    elif part == "queue":
        queue = QueueSettings(redis_url=f"redis://127.0.0.1:{port}/0")
    else:
        s3 = S3Settings.model_validate(s3.model_dump() | {"s3_endpoint_url": f"http://127.0.0.1:{port}"})
    return Settings(database, queue, s3, settings.api)


def test_ready(nobody):
    assert nobody.get("/healthz").json() == {"status": "ok"}
    assert nobody.get("/readyz").json() == {"status": "ok"}


def test_what_is_down_is_named(settings, store):
    for part in ("database", "queue", "storage"):
        with TestClient(create_app(without(settings, part))) as client:
            answer = client.get("/readyz")
            assert [fault["field"] for fault in problem(answer, 503, Code.NOT_READY)["errors"]] == [part]
            assert "127.0.0.1" not in answer.text
            assert client.get("/healthz").status_code == 200


def test_without_a_database_nobody_is_let_in(settings, store, key_of):
    with TestClient(create_app(without(settings, "database"))) as client:
        answer = Api(client, key_of(["read"])).get("/v1/sites")
    problem(answer, 503, Code.DATABASE_UNAVAILABLE)
    assert answer.headers["Retry-After"].isdecimal()


def test_without_storage_uploads_are_refused_and_rows_wait(settings, store, key_of, api):
    inspection = api.inspection()

    with TestClient(create_app(without(settings, "storage"))) as client:
        cut_off = Api(client, key_of(["read", "write"]))
        answer = cut_off.post(
            f"/v1/inspections/{inspection}/photos", files={"files": ("a.jpg", encode(wall()))}
        )
        problem(answer, 503, Code.STORAGE_UNAVAILABLE)
    assert api.upload(inspection, ("a.jpg", encode(wall())))[0]["outcome"] == "stored"


def test_without_a_broker_a_run_is_still_accepted(settings, store, key_of, api, engine):

    inspection = api.inspection()
    api.upload(inspection, ("a.jpg", encode(wall())))
    model = given_model(engine)
    with TestClient(create_app(without(settings, "queue"))) as client:
        cut_off = Api(client, key_of(["read", "write"]))
        answer = cut_off.post(f"/v1/inspections/{inspection}/runs", json={"model": str(model)})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_the_process_holds_no_network():
    script = "import sys, api.main; print(sorted({'torch', 'transformers', 'openvino'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
