import pytest
from celery.exceptions import SoftTimeLimitExceeded

from tests.photos.pictures import encode, wall
from tests.worker.given import given_submitted, read_run
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, PhotoError
from wallscan.domain.lifecycle import RunState
from worker.photos import inspect_photo


@pytest.mark.parametrize(
    "blamed", [BundleError(Code.BUNDLE_UNLOADABLE, "x"), PhotoError(Code.PHOTO_CORRUPT, "x")]
)
def test_a_time_limit_inside_a_library_is_blamed_on_neither_model_nor_photo(
    resources, engine, store, model_id, monkeypatch, blamed
):
    order = given_submitted(engine, store, model_id, {"a/1.jpg": encode(wall())})

    def struck(*_):
        raise blamed from SoftTimeLimitExceeded()

    monkeypatch.setattr(resources.models, "engine", struck)
    inspect_photo(resources, order.run_id, order.photo_ids[0])
    assert read_run(engine, order).state is RunState.RUNNING
    monkeypatch.undo()
    inspect_photo(resources, order.run_id, order.photo_ids[0])
    assert read_run(engine, order).state is RunState.SUCCEEDED
