"""A version that begins to serve while runs are under way: no restart, and no run changes its model."""

from sqlalchemy import select

from tests.photos.pictures import encode, wall
from tests.records.given import given_model
from tests.worker.given import given_submitted
from tests.worker.tiny import Bundle, make_tiny_bundle
from wallscan.domain.lifecycle import ActivationKind
from wallscan.records import activations, models
from wallscan.records.session import transaction
from wallscan.records.tables import Item
from worker.photos import inspect_photo


def test_new_runs_take_it_and_running_ones_finish_on_theirs(engine, store, resources, model_id, tmp_path):
    newer = Bundle(tmp_path / "newer", make_tiny_bundle(tmp_path / "newer", seed=5))
    newer.upload(store)
    newer_id = given_model(engine, newer.digest, newer.manifest.model_dump(mode="json"))
    same = encode(wall(64, 48))

    def submitted():
        with transaction(engine) as session:
            serving = models.resolve(session, None).id
        return given_submitted(engine, store, serving, {"w/1.jpg": same, "w/2.jpg": same})

    def means(order):
        with transaction(engine) as session:
            rows = session.execute(
                select(Item.prompt_index, Item.mean_probability).where(Item.run_id == order.run_id)
            )
            return sorted(map(tuple, rows))

    with transaction(engine) as session:
        activations.activate(session, model_id, ActivationKind.FIRST)
    running = submitted()
    inspect_photo(resources, running.run_id, running.photo_ids[0])
    with transaction(engine) as session:
        activations.activate(session, newer_id, ActivationKind.FORCED, reason="test")
    new = submitted()
    for order, photo_ids in ((new, new.photo_ids), (running, running.photo_ids[1:])):
        for photo_id in photo_ids:
            inspect_photo(resources, order.run_id, photo_id)
    old_means, new_means = means(running), means(new)
    assert len(old_means) == len(new_means) == 4
    assert len(set(old_means)) == len(set(new_means)) == 2  # both photos of a run by the same weights
    assert set(old_means).isdisjoint(new_means)
