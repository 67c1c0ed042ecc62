import uuid

import pytest
import redis
from sqlalchemy import func, select, update

from tests.api.calling import entry, problem, put
from tests.photos.pictures import encode, wall
from tests.records.given import FACTS, Order, claimed, given_model, results
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import ActivationKind, ModelState
from wallscan.domain.pipelines import FOUNDING, STANDARD
from wallscan.jobs.messages import INSPECT_QUEUE
from wallscan.records import activations, runs, tasks
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction
from wallscan.records.tables import Task

JPEG, OTHER = encode(wall()), encode(wall(seed=1))


@pytest.fixture
def model(engine):
    made = given_model(engine)
    with transaction(engine) as session:
        activations.activate(session, made, ActivationKind.FORCED, reason="test")
    return made


def submit(api, inspection, **order):
    answer = api.post(f"/v1/inspections/{inspection}/runs", json=order)
    assert answer.status_code == 202, answer.text
    return answer.json()


def work_on(engine, run, photo_id, *, code=None):
    """What a worker does to one photo of a run."""
    order = Order(uuid.UUID(run["inspection_id"]), uuid.uuid4(), uuid.UUID(run["id"]), [uuid.UUID(photo_id)])
    claim = claimed(engine, order)
    with transaction(engine) as session:
        if code is None:
            tasks.finish(session, claim, FACTS, results(claim))
        else:
            tasks.fail(session, claim, code, "no good")
    with transaction(engine) as session:
        runs.complete_if_done(session, claim.run_id)


def test_submitting_settles_what_was_announced(api, model):
    inspection = api.inspection()
    arrived, _, lost, _ = api.announce(
        inspection,
        entry("north/a.jpg", JPEG),
        entry("south/copy of a.jpg", JPEG),
        entry("north/b.jpg", OTHER),
        entry("south/copy of b.jpg", OTHER),
    )
    put(arrived, JPEG)
    run = submit(api, inspection)
    assert (run["state"], run["photos"], run["items"], run["skipped"]) == ("queued", 1, 2, 2)
    assert {error["code"] for error in run["errors"]} == {Code.PHOTO_NOT_UPLOADED}
    assert {error["path"] for error in run["errors"]} == {"north/b.jpg", "south/copy of b.jpg"}
    assert api.read(f"/v1/inspections/{inspection}")["photos"] == {
        "expected": 0,
        "stored": 1,
        "rejected": 2,
        "duplicate": 1,
    }
    (again,) = api.announce(inspection, entry("north/b.jpg", OTHER))
    assert (again["outcome"], again["photo_id"]) == ("upload", lost["photo_id"])


def test_a_run_records_all_that_makes_its_numbers(api, model):
    inspection = api.inspection()
    api.upload(inspection, ("north/a.jpg", JPEG))
    run = submit(api, inspection)
    assert run["prompts"] == ["crack", "drywall joint"]
    assert run["model_id"] == str(model)
    assert (run["postprocess"]["name"], run["postprocess"]["version"]) == ("standard", 1)
    assert run["look"] == {"detail": "1", "flip": False}
    close = submit(api, inspection, look={"detail": "adaptive", "flip": True})
    assert close["look"] == {"detail": "adaptive", "flip": True}
    own = submit(api, inspection, prompts=["  water\tstain ", "Riß"])
    assert own["prompts"] == ["water stain", "Riß"]
    assert api.read(f"/v1/inspections/{inspection}")["active_run_id"] == own["id"]


@pytest.mark.parametrize("look", [{"detail": "4"}, {"detail": 2}, {"zoom": "2"}, "2"])
def test_no_other_look_is_taken(api, model, look):
    inspection = api.inspection()
    api.upload(inspection, ("north/a.jpg", JPEG))
    answer = api.post(f"/v1/inspections/{inspection}/runs", json={"look": look})
    assert answer.status_code == 422


def test_the_pipeline_is_chosen_by_name_and_changed_by_parameter(api, model):
    inspection = api.inspection()
    api.upload(inspection, ("north/a.jpg", JPEG))
    founding = submit(api, inspection, postprocess={"name": "founding", "denoise": "bilateral"})
    assert founding["postprocess"] == {**FOUNDING, "denoise": "bilateral"}
    assert submit(api, inspection, postprocess={"level": 0.4})["postprocess"] == {**STANDARD, "level": 0.4}


def test_a_run_from_another_takes_its_model_and_prompts(api, engine, model):
    site = api.site()
    inspection, other = api.inspection(site), api.inspection(site)
    for one in (inspection, other):
        api.upload(one, ("north/a.jpg", JPEG))
    first = submit(api, inspection, prompts=["water stain"])
    given_model(engine)
    again = submit(api, inspection, from_run=first["id"], postprocess={"level": 0.7})
    assert (again["from_run_id"], again["prompts"]) == (first["id"], ["water stain"])
    assert again["model_id"] == first["model_id"] == str(model)
    assert submit(api, inspection, from_run=again["id"], prompts=["water stain"], model=str(model))
    newer = str(given_model(engine))
    others = ({"prompts": ["crack"]}, {"model": newer}, {"look": {"detail": "2"}})
    for place, change in (*((inspection, change) for change in others), (other, {})):
        order = {"from_run": first["id"], **change}
        answer = api.post(f"/v1/inspections/{place}/runs", json=order)
        problem(answer, 409, Code.RUN_NOT_REUSABLE)


def test_accepted_says_where_to_look(api, model):
    inspection = api.inspection()
    api.upload(inspection, ("north/a.jpg", JPEG))
    answer = api.post(f"/v1/inspections/{inspection}/runs", json={})
    assert answer.headers["Location"] == f"/v1/runs/{answer.json()['id']}"
    assert answer.headers["Retry-After"].isdecimal()
    assert api.get(answer.headers["Location"]).json() == answer.json()


def test_messages_go_out_after_the_answer(api, model, engine, redis_url):
    inspection = api.inspection()
    api.upload(inspection, ("a.jpg", JPEG), ("b.jpg", OTHER), ("copy.jpg", JPEG))
    submit(api, inspection)
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen(INSPECT_QUEUE) == 2
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).where(Task.sent_at.is_not(None))) == 2


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        ({"prompts": []}, 422, Code.PROMPT_EMPTY),
        ({"prompts": [" "]}, 422, Code.PROMPT_EMPTY),
        ({"prompts": ["x" * 10_000]}, 422, Code.PROMPT_TOO_LONG),
        ({"prompts": [f"p{number}" for number in range(17)]}, 422, Code.PROMPTS_TOO_MANY),
        ({"prompts": ["crack", " crack"]}, 422, Code.PROMPTS_DUPLICATE),
        ({"prompts": "crack"}, 422, Code.REQUEST_INVALID),
        ({"model": "nobody/knows-it"}, 404, Code.MODEL_UNKNOWN),
        ({"model": "x" * 10_000}, 404, Code.MODEL_UNKNOWN),
        ({"model": str(uuid.uuid4())}, 404, Code.MODEL_UNKNOWN),
        ({"priority": 1}, 422, Code.REQUEST_INVALID),
        ({"postprocess": {"name": "other"}}, 404, Code.PIPELINE_UNKNOWN),
        ({"postprocess": {"name": "standard", "version": 2}}, 404, Code.PIPELINE_UNKNOWN),
        ({"postprocess": {"level": 2}}, 422, Code.PIPELINE_PARAMETER_INVALID),
        ({"postprocess": {"name": "founding", "level": 0.5}}, 422, Code.PIPELINE_PARAMETER_INVALID),
        ({"postprocess": "founding"}, 422, Code.REQUEST_INVALID),
        ({"from_run": str(uuid.uuid4())}, 404, Code.RUN_UNKNOWN),
    ],
)
def test_orders_that_cannot_be_taken(api, model, order, status, code):
    inspection = api.inspection()
    api.upload(inspection, ("north/a.jpg", JPEG))
    problem(api.post(f"/v1/inspections/{inspection}/runs", json=order), status, code)


def test_an_inspection_without_a_photo_that_arrived(api, model):
    inspection = api.inspection()
    problem(api.post(f"/v1/inspections/{inspection}/runs", json={}), 422, Code.INSPECTION_EMPTY)
    (outcome,) = api.announce(inspection, entry("a.jpg", JPEG))
    problem(api.post(f"/v1/inspections/{inspection}/runs", json={}), 422, Code.INSPECTION_EMPTY)
    put(outcome, JPEG)
    assert submit(api, inspection)["photos"] == 1


def test_models_by_id_digest_and_name(api, engine, model):
    inspection = api.inspection()
    api.upload(inspection, ("north/a.jpg", JPEG))
    newer = given_model(engine)
    digest = api.read(f"/v1/models/{newer}")["digest"]
    assert submit(api, inspection)["model_id"] == str(model)
    for name in (str(newer), digest, "a-model"):
        assert submit(api, inspection, model=name)["model_id"] == str(newer)


def test_models_that_are_not_ready(api, engine):
    inspection = api.inspection()
    api.upload(inspection, ("north/a.jpg", JPEG))
    problem(api.post(f"/v1/inspections/{inspection}/runs", json={}), 409, Code.MODEL_NOT_READY)
    model = given_model(engine)
    with transaction(engine) as session:
        session.execute(update(ModelVersion).values(state=ModelState.CHECKING))
    answer = api.post(f"/v1/inspections/{inspection}/runs", json={"model": str(model)})
    problem(answer, 409, Code.MODEL_NOT_READY)


def test_status_counts_and_items_follow_the_work(api, engine, model):
    inspection = api.inspection()
    good, bad = api.upload(inspection, ("north/a.jpg", JPEG), ("south/b.jpg", OTHER))
    run = submit(api, inspection)
    work_on(engine, run, good["photo_id"])
    halfway = api.read(f"/v1/runs/{run['id']}")
    assert (halfway["state"], halfway["percent"]) == ("running", 50.0)
    assert halfway["eta_s"] is not None
    work_on(engine, run, bad["photo_id"], code=Code.PHOTO_CORRUPT)
    ended = api.read(f"/v1/runs/{run['id']}")
    assert (ended["state"], ended["percent"]) == ("succeeded", 100.0)
    assert (ended["counts"]["succeeded"], ended["counts"]["failed"]) == (2, 2)
    assert ended["errors"][0]["code"] == Code.PHOTO_CORRUPT

    items = f"/v1/runs/{run['id']}/items"
    assert {item["path"] for item in api.read(items, state="failed")["items"]} == {"south/b.jpg"}
    first = api.read(items, limit=3)
    rest = api.read(items, limit=3, cursor=first["next_cursor"])
    listed = [(item["path"], item["prompt"]) for item in first["items"] + rest["items"]]
    assert listed == [(path, prompt) for path in ("north/a.jpg", "south/b.jpg") for prompt in run["prompts"]]
    problem(api.get(items, params={"state": "lost"}), 422, Code.REQUEST_INVALID)


def test_retry_opens_the_failed_photos(api, engine, model):
    inspection = api.inspection()
    (photo,) = api.upload(inspection, ("north/a.jpg", JPEG))
    run = submit(api, inspection)
    retry = f"/v1/runs/{run['id']}/retry"
    problem(api.post(retry), 409, Code.RUN_NOT_RETRYABLE)
    work_on(engine, run, photo["photo_id"], code=Code.INFERENCE_FAILED)
    answer = api.post(retry)
    assert (answer.status_code, answer.json()["counts"]["queued"]) == (202, 2)


def test_cancel_keeps_results(api, engine, model):
    inspection = api.inspection()
    photo, _ = api.upload(inspection, ("north/a.jpg", JPEG), ("north/b.jpg", OTHER))
    run = submit(api, inspection)
    work_on(engine, run, photo["photo_id"])
    answer = api.post(f"/v1/runs/{run['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert (answer.json()["counts"]["succeeded"], answer.json()["counts"]["cancelled"]) == (2, 2)
    problem(api.post(f"/v1/runs/{run['id']}/cancel"), 409, Code.RUN_NOT_CANCELLABLE)
    problem(api.post(f"/v1/runs/{uuid.uuid4()}/cancel"), 404, Code.RUN_UNKNOWN)
