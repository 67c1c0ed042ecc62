"""Trainings by the service, in this process: every way in which one goes on and ends.

The training itself is a script here; `test_service` has the real one in real processes.
"""

import uuid

import pytest

from tests.records.given import given_model
from tests.trainer.jobs import (
    cancel,
    given_dataset,
    given_training,
    killed_at,
    let_lease_run_out,
    read,
    stored_checkpoints,
    versions,
)
from tests.trainer.small import small_recipe
from trainer import jobs
from trainer.checkpoint import BEST, LAST
from trainer.jobs import run_training
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import TrainingState
from wallscan.models import bundle_digest, check_files, read_manifest
from wallscan.records import training_claims
from wallscan.records.session import transaction
from wallscan.storage import StorageUnavailable, keys
from wallscan.storage.bundles import fetch_bundle, store_bundle


def test_it_ends_with_a_model_that_is_ready(service, script, training_id, bundle, tmp_path):
    run_training(service, training_id)
    done = read(service.engine, training_id)
    assert (done.state, done.step, done.steps, done.loss) == (TrainingState.SUCCEEDED, 10, 10, None)
    assert [(one.number, one.step, one.valid_loss) for one in done.epochs] == [(1, 4, None), (2, 8, None)]
    assert done.recipe is not None
    assert done.recipe["kind"] == "scratch"
    (model,) = versions(service.engine)
    assert (model.id, model.state, model.active) == (done.model_id, "ready", False)
    fetch_bundle(service.store, read_manifest(bundle), tmp_path)
    assert bundle_digest(check_files(tmp_path)) == model.digest
    assert stored_checkpoints(service, training_id) == []


def test_killed_it_goes_on_from_the_checkpoint_in_storage(service, script, training_id):
    killed_at(service, script, training_id, 3)
    assert stored_checkpoints(service, training_id) == [f"1/2/{LAST}"]
    killed_at(service, script, training_id, 7)
    assert stored_checkpoints(service, training_id) == [f"2/4/{BEST}", f"2/6/{LAST}"]
    run_training(service, training_id)
    assert script.begun_at == [0, 2, 6]
    done = read(service.engine, training_id)
    assert (done.state, done.attempt, len(done.epochs)) == (TrainingState.SUCCEEDED, 3, 2)
    assert len(versions(service.engine)) == 1


def test_a_message_twice_runs_nothing_twice(service, script, training_id):
    script.at[5] = lambda: run_training(service, training_id)
    run_training(service, training_id)
    run_training(service, training_id)
    assert script.begun_at == [0]
    assert read(service.engine, training_id).attempt == 1


def test_who_lost_the_lease_stops_and_writes_nothing(service, script, training_id):
    def taken_over():
        let_lease_run_out(service)
        with transaction(service.engine) as session:
            assert training_claims.claim(session, training_id, "another", 60.0)

    script.at[6] = taken_over
    run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.attempt, found.step) == (TrainingState.RUNNING, 2, 6)
    assert (len(found.epochs), versions(service.engine)) == (1, [])
    assert stored_checkpoints(service, training_id) == [f"1/4/{BEST}", f"1/5/{LAST}"]


def test_who_lost_the_lease_while_publishing_registers_no_model(service, script, training_id, monkeypatch):
    def frozen_for_long(*args):
        store_bundle(*args)
        let_lease_run_out(service)
        with transaction(service.engine) as session:
            assert training_claims.claim(session, training_id, "another", 60.0)

    monkeypatch.setattr(jobs, "store_bundle", frozen_for_long)
    run_training(service, training_id)
    assert read(service.engine, training_id).state is TrainingState.RUNNING
    assert versions(service.engine) == []


def test_cancelled_it_publishes_the_best_epoch(service, script, training_id):
    script.at[6] = lambda: cancel(service, training_id)
    run_training(service, training_id)
    found = read(service.engine, training_id)
    (model,) = versions(service.engine)
    assert (found.state, found.model_id, model.state) == (TrainingState.CANCELLED, model.id, "ready")
    assert (found.step, found.code) == (7, None)
    assert stored_checkpoints(service, training_id) == []


def test_cancelled_before_its_first_epoch_it_ends_without_a_model(service, script, training_id):
    script.at[2] = lambda: cancel(service, training_id)
    run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.model_id, found.epochs) == (TrainingState.CANCELLED, None, [])
    assert stored_checkpoints(service, training_id) == []


def test_cancelled_while_its_trainer_is_dead_the_best_epoch_is_published_all_the_same(
    service, script, training_id
):
    killed_at(service, script, training_id, 6)
    cancel(service, training_id)
    run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.model_id) == (TrainingState.CANCELLED, versions(service.engine)[0].id)


def test_storage_away_for_a_while_delays_the_checkpoint(service, script, training_id, monkeypatch):
    put_file = service.store.put_file
    failures: list[object] = []

    def away_at_first(*args):
        if len(failures) < 3:
            failures.append(args)
            raise StorageUnavailable(Code.STORAGE_UNAVAILABLE, "away")
        put_file(*args)

    monkeypatch.setattr(service.store, "put_file", away_at_first)
    run_training(service, training_id)
    assert len(failures) == 3
    assert read(service.engine, training_id).state is TrainingState.SUCCEEDED


def test_storage_away_at_the_beginning_costs_no_try(service, script, training_id, monkeypatch):
    def away(*_):
        raise StorageUnavailable(Code.STORAGE_UNAVAILABLE, "away")

    monkeypatch.setattr(service.store, "download", away)
    for _ in range(5):
        run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.attempt, script.begun_at) == (TrainingState.QUEUED, 5, [])


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("no-such", "'no-such' is neither a recipe that is shipped"),
        ({"kind": "full"}, "stages"),
        ({"stages": 3}, "stages"),
    ],
)
def test_a_recipe_that_is_none_fails_it(service, dataset_id, recipe, said):
    training_id = given_training(service.engine, dataset_id, recipe)
    run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.code) == (TrainingState.FAILED, "recipe_invalid")
    assert said in (found.detail or "")


def test_a_recipe_s_name_is_looked_up_once(service, script, dataset_id):
    training_id = given_training(service.engine, dataset_id, "starter", seed=12)
    script.at[2] = lambda: run_training(service, training_id)
    run_training(service, training_id)
    found = read(service.engine, training_id)
    assert found.recipe is not None
    assert (found.recipe_name, found.recipe["seed"]) == ("starter", 12)


@pytest.mark.parametrize(
    ("content", "sha256", "code"),
    [(b"no zip", None, Code.ARCHIVE_NOT_ZIP), (b"other", "0" * 64, Code.DATASET_CHECKSUM_MISMATCH)],
)
def test_a_data_set_that_is_none_fails_it(service, content, sha256, code):
    dataset_id = given_dataset(service.engine, service.store, content, sha256)
    training_id = given_training(service.engine, dataset_id, small_recipe())
    run_training(service, training_id)
    assert (read(service.engine, training_id).state, read(service.engine, training_id).code) == (
        "failed",
        code,
    )


def test_a_data_set_that_storage_lost_fails_it(service, dataset_id, training_id):
    service.store.delete(keys.dataset(dataset_id))
    run_training(service, training_id)
    assert read(service.engine, training_id).code == Code.DATASET_NOT_UPLOADED


def test_it_starts_from_its_base(service, script, dataset_id, bundle):
    manifest = read_manifest(bundle)
    store_bundle(service.store, manifest, bundle)
    base = given_model(service.engine, bundle_digest(manifest), manifest.model_dump(mode="json"))
    training_id = given_training(service.engine, dataset_id, "decoder", base=str(base))
    seen = []
    script.at[1] = lambda: seen.append(check_files(script.bases[0]))
    run_training(service, training_id)
    assert seen == [manifest]
    assert read(service.engine, training_id).base_model_id == base


def test_a_training_that_is_nowhere(service):
    run_training(service, uuid.uuid4())
