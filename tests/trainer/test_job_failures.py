"""Trainings by the service that fail: with what name, and with which of their epochs.

As in `test_jobs`, the training itself is a script.
"""

import shutil

import pytest

from tests.trainer.jobs import (
    given_training,
    killed_at,
    let_lease_run_out,
    read,
    stored_checkpoints,
    versions,
)
from tests.trainer.small import small_recipe
from trainer import jobs
from trainer.checkpoint import BEST
from trainer.jobs import run_training
from trainer.origin import Origin
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.lifecycle import TrainingState
from wallscan.models import read_manifest


def diverge():
    raise TrainingError(Code.TRAINING_DIVERGED, "step 7 has a loss of nan")


@pytest.fixture
def published(monkeypatch, bundle):
    """What is asked of the publication of a best epoch."""
    asked = []

    def publish(progress, recipe, photos, work, out, name, base, origin, *, best):
        asked.append((progress, recipe, name, base, origin, best, (work / BEST).read_text()))
        shutil.copytree(bundle, out)
        return read_manifest(out)

    monkeypatch.setattr(jobs, "left_off", lambda *_: ("recipe", "progress"))
    monkeypatch.setattr(jobs, "publish_weights", publish)
    return asked


def left_its_best(service, training_id):
    """How it failed; its model is there, and nothing else."""
    found = read(service.engine, training_id)
    (model,) = versions(service.engine)
    assert (found.state, found.model_id, model.state) == (TrainingState.FAILED, model.id, "ready")
    assert not model.active
    assert stored_checkpoints(service, training_id) == []
    return found.code, found.detail


def test_diverged_it_fails_and_leaves_its_best_epoch(service, script, dataset_id, published):
    script.at[7] = diverge
    told = {"licence": "CC0-1.0", "attribution": ["a house"]}
    training_id = given_training(service.engine, dataset_id, small_recipe(), **told)
    run_training(service, training_id)
    assert left_its_best(service, training_id) == (Code.TRAINING_DIVERGED, "step 7 has a loss of nan")
    origin = Origin(None, "CC0-1.0", ("a house",))
    assert published == [("progress", "recipe", "test/tuned", None, origin, True, "4")]


def test_killed_at_the_same_step_each_time_it_leaves_its_best_epoch(service, script, training_id, published):
    killed_at(service, script, training_id, 6)
    for _ in range(3):
        killed_at(service, script, training_id, 6)
    run_training(service, training_id)
    assert left_its_best(service, training_id)[0] == Code.ATTEMPTS_EXHAUSTED
    assert [one[-1] for one in published] == ["4"]
    assert len(script.begun_at) == 4  # the last claim trains no more


def test_a_best_epoch_that_ends_the_process_too_is_given_up(service, script, training_id, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "left_off", die)
    for _ in range(4):
        killed_at(service, script, training_id, 6)
    with pytest.raises(KeyboardInterrupt):
        run_training(service, training_id)
    let_lease_run_out(service)
    run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.code, found.model_id) == (
        TrainingState.FAILED,
        Code.ATTEMPTS_EXHAUSTED,
        None,
    )


def test_what_fails_each_time_after_an_epoch_leaves_that(service, script, training_id, published):
    def crash():
        raise OSError("no space left on device")

    script.at[6] = crash
    for _ in range(4):
        run_training(service, training_id)
    assert left_its_best(service, training_id) == (
        Code.INTERNAL_ERROR,
        "unexpected OSError: no space left on device",
    )


def test_diverged_in_its_first_epoch_it_leaves_nothing(service, script, training_id):
    script.at[2] = diverge
    run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.code, found.model_id) == (TrainingState.FAILED, Code.TRAINING_DIVERGED, None)


def test_what_fails_each_time_fails_with_its_name(service, script, training_id):
    def crash():
        raise ValueError("no such layer")

    script.at[1] = crash
    for _ in range(3):
        run_training(service, training_id)
    found = read(service.engine, training_id)
    assert (found.state, found.code) == (TrainingState.FAILED, "internal_error")
    assert found.detail == "unexpected ValueError: no such layer"
