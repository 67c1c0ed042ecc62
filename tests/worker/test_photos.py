import datetime as dt
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import func, select, update

from tests.photos.corpus import bad_photos, odd_photos
from tests.photos.pictures import encode, exif, wall
from tests.records.given import PROMPTS
from tests.worker.given import assert_nothing_lost, given_submitted, outcomes, read_run
from wallscan.domain.codes import Code
from wallscan.domain.errors import ConversionError
from wallscan.domain.lifecycle import MAX_ATTEMPTS, RunState
from wallscan.records import runs
from wallscan.records.reports import inspection_report
from wallscan.records.session import transaction
from wallscan.records.tables import Photo, Task
from wallscan.segment.engine import Engine, Runtime, load_engine
from wallscan.storage import ObjectStore, StorageUnavailable, keys
from worker.models import Models
from worker.photos import inspect_photo
from worker.resources import Resources

PHOTOS = {f"north/{seed}.jpg": encode(wall(320, 240, seed)) for seed in range(3)}


def inspect_all(resources, order) -> None:
    for photo_id in order.photo_ids:
        inspect_photo(resources, order.run_id, photo_id)


class Interrupted:
    """An engine to which something happens before it answers."""

    def __init__(self, inner: Engine, happens: Callable[[], object]) -> None:
        self.manifest, self.input_px, self.runtime = inner.manifest, inner.input_px, inner.runtime
        self._inner, self._happens = inner, happens

    def probabilities(self, image, prompts):
        self._happens()
        return self._inner.probabilities(image, prompts)


@pytest.fixture
def interrupted(resources: Resources, tmp_path) -> Callable[[Callable[[], object]], Resources]:
    """Resources of another worker process, whose engine is interrupted."""

    def make(happens: Callable[[], object]) -> Resources:
        folder = tmp_path / "another"
        models = Models(resources.store, folder, lambda bundle: Interrupted(load_engine(bundle), happens))
        return replace(resources, models=models, name="another")

    return make


def raising(error: Exception) -> Callable[[], object]:
    def happens() -> None:
        raise error

    return happens


def test_a_run_from_photos_to_masks(engine, store, resources, model_id):
    order = given_submitted(engine, store, model_id, PHOTOS)
    inspect_all(resources, order)
    assert set(outcomes(engine, order).values()) == {"succeeded"}
    assert read_run(engine, order).state is RunState.SUCCEEDED
    assert_nothing_lost(engine, store, order)


def test_the_photo_row_gets_its_facts(engine, store, resources, model_id):
    data = encode(wall(320, 240), exif=exif(camera=True))
    order = given_submitted(engine, store, model_id, {"a.jpg": data})
    inspect_all(resources, order)
    with transaction(engine) as session:
        photo = session.get(Photo, order.photo_ids[0])
        assert photo is not None
        assert (photo.width_px, photo.height_px, photo.media_type) == (320, 240, "image/jpeg")
        assert photo.camera == "Canon EOS R8"
        assert str(photo.taken_at) == "2026-03-14 15:09:26"
        assert photo.phash is not None


def test_a_second_message_changes_nothing(engine, store, resources, model_id):
    order = given_submitted(engine, store, model_id, PHOTOS)
    inspect_all(resources, order)
    before = sorted(store.list(keys.run(order.run_id)))
    inspect_all(resources, order)
    assert sorted(store.list(keys.run(order.run_id))) == before
    assert_nothing_lost(engine, store, order)


def test_every_bad_photo_gets_its_code_and_the_others_go_on(engine, store, resources, model_id):
    bad = {f"bad/{name}": data for name, data, _ in bad_photos().values()}
    odd = {f"odd/{name}": data for name, data in odd_photos().values()}
    order = given_submitted(engine, store, model_id, bad | odd)
    inspect_all(resources, order)
    wanted = {f"bad/{name}": code.value for name, _, code in bad_photos().values()}
    assert outcomes(engine, order) == wanted | dict.fromkeys(odd, "succeeded")
    assert read_run(engine, order).state is RunState.SUCCEEDED
    assert_nothing_lost(engine, store, order)


def test_a_missing_and_a_changed_object_are_told_apart(engine, store, resources, model_id):
    order = given_submitted(engine, store, model_id, PHOTOS)
    store.delete(keys.photo(order.inspection_id, order.photo_ids[0]))
    store.put(keys.photo(order.inspection_id, order.photo_ids[1]), encode(wall(seed=9)), "image/jpeg")
    inspect_all(resources, order)
    assert outcomes(engine, order) == {
        "north/0.jpg": Code.PHOTO_NOT_UPLOADED,
        "north/1.jpg": Code.PHOTO_CHECKSUM_MISMATCH,
        "north/2.jpg": "succeeded",
    }


class Meeting:
    """A store where no file gets in before as many are on their way as there are places."""

    def __init__(self, inner: ObjectStore, places: int) -> None:
        self._inner, self._met = inner, threading.Barrier(places, timeout=30)

    def put(self, key, data, content_type) -> None:
        self._met.wait()
        self._inner.put(key, data, content_type)

    def __getattr__(self, name):
        return getattr(self._inner, name)


def test_the_files_of_a_photo_are_stored_together(engine, store, resources, model_id):
    order = given_submitted(engine, store, model_id, {"a.jpg": PHOTOS["north/0.jpg"]})
    masks_and_maps = 2 * len(PROMPTS)
    inspect_all(replace(resources, store=Meeting(store, masks_and_maps)), order)
    assert_nothing_lost(engine, store, order)
    assert set(outcomes(engine, order).values()) == {"succeeded"}


def test_a_photo_whose_hash_was_not_announced_is_taken(engine, store, resources, model_id):
    order = given_submitted(engine, store, model_id, PHOTOS)
    with transaction(engine) as session:
        session.execute(update(Photo).values(sha256=None))
    inspect_all(resources, order)
    assert set(outcomes(engine, order).values()) == {"succeeded"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("out of luck"), Code.INFERENCE_FAILED),
        (MemoryError(), Code.INFERENCE_FAILED),
        (SoftTimeLimitExceeded(), Code.INFERENCE_TIMEOUT),
    ],
)
def test_the_unexpected_is_tried_again_and_failed_in_the_end(
    engine, store, interrupted, model_id, error, code
):
    order = given_submitted(engine, store, model_id, {"a.jpg": encode(wall())})
    failing = interrupted(raising(error))
    for _ in range(MAX_ATTEMPTS - 1):
        inspect_all(failing, order)
        assert outcomes(engine, order) == {"a.jpg": "queued"}
    inspect_all(failing, order)
    assert outcomes(engine, order) == {"a.jpg": code}
    assert read_run(engine, order).state is RunState.SUCCEEDED


def killed_conversions(resources, monkeypatch) -> list[object]:
    """Every conversion of the resources' models is killed; the list tells of each."""
    conversions = list[object]()

    def load(bundle):
        conversions.append(bundle)
        raise ConversionError(Code.CONVERSION_KILLED, "killed")

    monkeypatch.setattr(resources.models, "_load", load)
    return conversions


def test_a_run_whose_models_conversion_is_always_killed_fails_soon(
    engine, store, resources, model_id, monkeypatch
):
    order = given_submitted(engine, store, model_id, PHOTOS | {"b.jpg": encode(wall())})
    conversions = killed_conversions(resources, monkeypatch)
    inspect_all(resources, order)
    run = read_run(engine, order)
    assert (run.state, run.code) == (RunState.FAILED, Code.CONVERSION_KILLED)
    assert set(outcomes(engine, order).values()) == {Code.CONVERSION_KILLED}
    assert len(conversions) == MAX_ATTEMPTS


def test_a_run_ends_where_each_killed_conversion_meets_a_new_process(
    engine, store, resources, model_id, tmp_path, monkeypatch
):
    order = given_submitted(engine, store, model_id, {"a.jpg": encode(wall())})
    for tries in range(MAX_ATTEMPTS):
        assert outcomes(engine, order) == {"a.jpg": "queued"}, tries
        fresh = replace(resources, models=Models(store, tmp_path / "models"))
        killed_conversions(fresh, monkeypatch)
        inspect_all(fresh, order)
    assert outcomes(engine, order) == {"a.jpg": Code.CONVERSION_KILLED}
    assert read_run(engine, order).state is RunState.SUCCEEDED


def test_storage_that_is_away_costs_no_try(engine, store, resources, interrupted, model_id):
    order = given_submitted(engine, store, model_id, {"a.jpg": encode(wall())})
    away = interrupted(raising(StorageUnavailable(Code.STORAGE_UNAVAILABLE, "away")))
    for _ in range(MAX_ATTEMPTS + 1):
        inspect_all(away, order)
    assert outcomes(engine, order) == {"a.jpg": "queued"}
    inspect_all(resources, order)
    assert outcomes(engine, order) == {"a.jpg": "succeeded"}


def test_a_bundle_that_is_not_the_registered_one_fails_the_run(engine, store, resources, model_id, bundle):
    order = given_submitted(engine, store, model_id, PHOTOS)
    store.put(keys.model_file(bundle.digest, "config.json"), b"{}", "application/json")
    inspect_all(resources, order)
    run = read_run(engine, order)
    assert (run.state, run.code) == (RunState.FAILED, Code.BUNDLE_CHECKSUM_MISMATCH)
    assert set(outcomes(engine, order).values()) == {Code.BUNDLE_CHECKSUM_MISMATCH}
    bundle.upload(store)
    with transaction(engine) as session:
        runs.retry(session, order.run_id)
    inspect_all(resources, order)
    assert read_run(engine, order).state is RunState.SUCCEEDED


def test_a_prompt_that_the_model_cannot_read_fails_the_run(engine, store, resources, model_id):
    order = given_submitted(engine, store, model_id, PHOTOS, prompts=("crack", "x " * 99))
    inspect_all(resources, order)
    run = read_run(engine, order)
    assert (run.state, run.code) == (RunState.FAILED, Code.PROMPT_TOO_MANY_TOKENS)


def test_a_late_worker_leaves_neither_rows_nor_masks_nor_maps(
    engine, store, resources, interrupted, model_id
):
    order = given_submitted(engine, store, model_id, {"a.jpg": encode(wall(320, 240))})

    def another_takes_over() -> None:
        with transaction(engine) as session:
            session.execute(update(Task).values(lease_until=func.now() - dt.timedelta(seconds=1)))
        inspect_all(resources, order)

    inspect_all(interrupted(another_takes_over), order)
    assert_nothing_lost(engine, store, order)
    with transaction(engine) as session:
        assert session.scalars(select(Task.attempt)).all() == [2]
    assert len(list(store.list(keys.run(order.run_id)))) == 4
    assert all("/2/" in key for key in store.list(keys.run(order.run_id)))


def test_a_cancelled_run_ends_with_the_photo_under_way(engine, store, interrupted, model_id):
    order = given_submitted(engine, store, model_id, PHOTOS)

    def user_cancels() -> None:
        with transaction(engine) as session:
            runs.cancel(session, order.run_id)

    inspect_all(interrupted(user_cancels), order)
    assert sorted(outcomes(engine, order).values()) == ["cancelled", "cancelled", "succeeded"]
    assert read_run(engine, order).state is RunState.CANCELLED
    assert_nothing_lost(engine, store, order)


def test_messages_of_what_was_deleted_are_ignored(resources):
    inspect_photo(resources, uuid.uuid4(), uuid.uuid4())


def test_what_computed_is_recorded_and_a_mixed_fleet_shows_in_the_report(
    engine, store, resources, model_id, interrupted
):
    order = given_submitted(engine, store, model_id, PHOTOS)
    other = interrupted(lambda: None)
    claimed = other.models.engine
    foreign = Runtime("torch", "1", "another machine", "f32")

    def elsewhere(*which):
        found = claimed(*which)
        found.runtime = foreign
        return found

    other.models.engine = elsewhere
    inspect_photo(other, order.run_id, order.photo_ids[0])
    for photo_id in order.photo_ids[1:]:
        inspect_photo(resources, order.run_id, photo_id)
    with transaction(engine) as session:
        found = inspection_report(session, order.inspection_id).run.runtimes
    assert found == sorted([str(foreign), f"torch {torch.__version__} on cpu in f32"])
