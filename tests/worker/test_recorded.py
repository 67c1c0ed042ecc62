"""A run measured again from the maps of an earlier one."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from tests.photos.pictures import encode, wall
from tests.records.given import Order
from tests.worker.given import assert_nothing_lost, given_submitted, outcomes
from wallscan.domain.codes import Code
from wallscan.domain.looks import Detail, Look
from wallscan.domain.pipelines import STANDARD
from wallscan.records import runs, tasks
from wallscan.records.session import transaction
from wallscan.records.tables import Item, Run
from wallscan.storage import keys
from worker.photos import inspect_photo
from worker.recorded import recorded_maps

PHOTOS = {f"north/{seed}.jpg": encode(wall(320, 240, seed)) for seed in range(3)}
OTHER = {**STANDARD, "level": 0.45, "min_length_px": 4.0}


class Unasked:
    """Models that must not be asked."""

    def engine(self, *_):
        raise AssertionError("the network was asked")


def given_again(engine, order, postprocess, from_run_id=None, look=None):
    """Another run over the same photos, which are looked at as before unless said otherwise."""
    with transaction(engine) as session:
        earlier = session.get_one(Run, order.run_id)
        model_id, prompts = earlier.model_version_id, earlier.prompts
        run_id = runs.submit(
            session,
            order.inspection_id,
            model_id,
            prompts,
            postprocess,
            look=look or earlier.look,
            from_run_id=from_run_id,
        )
    return Order(order.inspection_id, order.wall_id, run_id, order.photo_ids)


def inspect_all(resources, order):
    for photo_id in order.photo_ids:
        inspect_photo(resources, order.run_id, photo_id)


def findings(engine, store, order):
    """Masks, maps and numbers by photo and prompt."""
    own = {"run_id", "mask_key", "map_key", "created_at"}
    measured = {column.name for column in Item.__table__.columns} - own
    with transaction(engine) as session:
        items = session.scalars(select(Item).where(Item.run_id == order.run_id)).all()
        return {
            (item.photo_id, item.prompt_index): (
                store.get(item.mask_key),
                store.get(item.map_key),
                {name: getattr(item, name) for name in measured},
            )
            for item in items
        }


@pytest.fixture
def unasked(resources):
    return replace(resources, models=Unasked())


@pytest.fixture
def first(engine, store, resources, model_id):
    order = given_submitted(engine, store, model_id, PHOTOS)
    inspect_all(resources, order)
    return order


def test_masks_are_those_of_a_full_run_byte_for_byte_and_no_model_is_asked(
    engine, store, resources, unasked, first
):
    full = given_again(engine, first, OTHER)
    inspect_all(resources, full)
    again = given_again(engine, first, OTHER, first.run_id)
    inspect_all(unasked, again)
    assert findings(engine, store, again) == findings(engine, store, full)
    assert len(findings(engine, store, again)) == 6
    assert findings(engine, store, full) != findings(engine, store, first)
    assert_nothing_lost(engine, store, again)


@pytest.mark.parametrize(
    "look", [Look(Detail.TILES), Look(Detail.ADAPTIVE), Look(Detail.AUTO), Look(Detail.WHOLE, flip=True)]
)
def test_maps_of_another_look_are_measured_again_too(engine, store, resources, unasked, first, look):
    close = given_again(engine, first, dict(STANDARD), look=look)
    inspect_all(resources, close)
    full = given_again(engine, close, OTHER)
    inspect_all(resources, full)
    again = given_again(engine, close, OTHER, close.run_id)
    inspect_all(unasked, again)
    assert findings(engine, store, again) == findings(engine, store, full)
    assert findings(engine, store, close) != findings(engine, store, first)


@pytest.mark.parametrize("flip", [False, True])
def test_maps_of_mirrored_views_are_still_known_as_such(engine, store, resources, first, flip):
    order = given_again(engine, first, dict(STANDARD), look=Look(Detail.WHOLE, flip))
    inspect_all(resources, order)
    again = given_again(engine, order, OTHER, order.run_id)
    with transaction(engine) as session:
        claim = tasks.claim(session, again.run_id, again.photo_ids[0], "a-worker", 30.0)
    assert claim is not None
    found = recorded_maps(store, claim)
    assert found is not None
    assert found.seen.as_fitted is not flip


def test_what_was_measured_again_can_be_measured_again(engine, store, unasked, first):
    again = given_again(engine, first, OTHER, first.run_id)
    inspect_all(unasked, again)
    for key in store.list(keys.run(first.run_id)):
        store.delete(key)
    third = given_again(engine, first, OTHER, again.run_id)
    inspect_all(unasked, third)
    assert findings(engine, store, third) == findings(engine, store, again)


def test_photos_without_their_maps_are_looked_at_anew(engine, store, resources, first):
    full = given_again(engine, first, OTHER)
    inspect_all(resources, full)
    gone, damaged, older = first.photo_ids
    maps = {key for key in store.list(keys.run(first.run_id)) if key.endswith(".map.png")}
    assert len(maps) == 6
    store.delete(next(key for key in maps if str(gone) in key))
    store.put(next(key for key in maps if str(damaged) in key), b"\x89PNG", "image/png")
    with transaction(engine) as session:
        mine = (Item.run_id == first.run_id, Item.photo_id == older, Item.prompt_index == 1)
        session.execute(update(Item).where(*mine).values(map_key=None, map_sha256=None))
    again = given_again(engine, first, OTHER, first.run_id)
    inspect_all(resources, again)
    assert set(outcomes(engine, again).values()) == {"succeeded"}
    assert findings(engine, store, again) == findings(engine, store, full)


def test_a_pipeline_that_this_worker_does_not_know_ends_the_run(engine, store, resources, first):
    again = given_again(engine, first, {"name": "standard", "version": 2}, first.run_id)
    inspect_all(resources, again)
    with transaction(engine) as session:
        assert session.get_one(Run, again.run_id).code == Code.PIPELINE_UNKNOWN


def test_a_run_of_which_nothing_is_known_any_more_is_no_hindrance(engine, store, resources, first):
    again = given_again(engine, first, OTHER, first.run_id)
    with transaction(engine) as session:
        session.delete(session.get_one(Run, first.run_id))
    inspect_all(resources, again)
    assert set(outcomes(engine, again).values()) == {"succeeded"}
    with transaction(engine) as session:
        assert session.get_one(Run, again.run_id).from_run_id is None
