import datetime as dt
import hashlib
import uuid

import pytest
from sqlalchemy import Engine, func, update

from tests.records.given import given_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.lifecycle import MAX_ATTEMPTS, TrainingState
from wallscan.jobs.messages import RunTraining
from wallscan.models.manifest import Manifest
from wallscan.records import datasets, models, training_claims, trainings
from wallscan.records.session import transaction
from wallscan.records.training_claims import TrainingClaim
from wallscan.records.training_tables import Training
from wallscan.wire.trainings import NewDataset, NewTraining, TrainingDetail, TrainingEpoch

LEASE_S = 60.0
CHECKPOINT = {"attempt": 1, "step": 5, "files": {"checkpoint.pt": [1, 5]}}


def given_dataset(engine: Engine, name: str = "walls", *, is_stored: bool = True) -> uuid.UUID:
    sha256 = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    with transaction(engine) as session:
        made = datasets.announce(session, NewDataset(name=name, size_bytes=9, sha256=sha256))
        if is_stored:
            datasets.stored(session, made.id)
    return made.id


def given_training(engine: Engine, **changes) -> uuid.UUID:
    if "dataset_ids" not in changes:
        changes["dataset_ids"] = [given_dataset(engine)]
    new = NewTraining.model_validate({"name": "house/tuned", "recipe": "decoder"} | changes)
    with transaction(engine) as session:
        return trainings.order(session, new).id


@pytest.fixture
def training_id(engine) -> uuid.UUID:
    return given_training(engine)


def claimed(engine: Engine, training_id: uuid.UUID) -> TrainingClaim:
    with transaction(engine) as session:
        taken = training_claims.claim(session, training_id, "a-trainer", LEASE_S)
    assert taken is not None
    return taken


def is_free(engine: Engine, training_id: uuid.UUID) -> bool:
    with transaction(engine) as session:
        return training_claims.claim(session, training_id, "another", LEASE_S) is not None


def let_lease_run_out(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(Training).values(lease_until=func.now() - dt.timedelta(seconds=1)))


def read(engine: Engine, training_id: uuid.UUID) -> TrainingDetail:
    with transaction(engine) as session:
        return trainings.get(session, training_id)


def cancel(engine: Engine, training_id: uuid.UUID) -> TrainingState:
    with transaction(engine) as session:
        trainings.cancel(session, training_id)
    return read(engine, training_id).state


def epoch(number: int, iou: float | None = 0.5) -> TrainingEpoch:
    return TrainingEpoch(
        number=number, step=number * 4, train_loss=1.0, valid_loss=None, valid_iou=iou, learning_rate=0.1,
        seconds=2.0,
    )  # fmt: skip


def due(engine: Engine, resend_s: float = 600) -> list[RunTraining]:
    with transaction(engine) as session:
        return training_claims.due(session, resend_s)


def test_an_order_is_read_as_it_was_given(engine):
    base = given_model(engine)
    named = [given_dataset(engine), given_dataset(engine)]
    training_id = given_training(engine, dataset_ids=named[::-1], base=str(base), seed=5)
    found = read(engine, training_id)
    assert (found.dataset_ids, found.base_model_id, found.seed) == (named[::-1], base, 5)
    assert (found.state, found.recipe_name, found.recipe) == (TrainingState.QUEUED, "decoder", None)
    document = given_training(engine, recipe={"stages": []})
    assert (read(engine, document).recipe_name, read(engine, document).recipe) == (None, {"stages": []})
    with transaction(engine) as session:
        (newest,) = trainings.page(session, None, 1)
        (other,) = trainings.page(session, (newest.created_at, newest.id), 9)
    assert [newest.id, other.id] == [document, training_id]
    assert other.dataset_ids == named[::-1]


def test_what_is_not_there_cannot_be_trained_on(engine):
    for dataset_id, code in (
        (uuid.uuid4(), Code.DATASET_UNKNOWN),
        (given_dataset(engine, is_stored=False), Code.DATASET_NOT_UPLOADED),
    ):
        with pytest.raises(TrainingError) as refusal:
            given_training(engine, dataset_ids=[dataset_id])
        assert refusal.value.code is code


def test_a_claim_says_what_to_do_and_nobody_else_gets_it(engine):
    dataset_id = given_dataset(engine, "tiles")
    training_id = given_training(engine, dataset_ids=[dataset_id], base=str(given_model(engine)))
    claim = claimed(engine, training_id)
    assert (claim.attempt, claim.tries, claim.name, claim.checkpoint) == (1, 1, "house/tuned", None)
    assert [(one.id, one.name) for one in claim.datasets] == [(dataset_id, "tiles")]
    assert claim.base is not None
    assert read(engine, training_id).state is TrainingState.RUNNING
    assert not is_free(engine, training_id)
    let_lease_run_out(engine)
    assert claimed(engine, training_id).attempt == 2


def test_a_lost_claim_writes_nothing(engine, training_id):
    late = claimed(engine, training_id)
    let_lease_run_out(engine)
    current = claimed(engine, training_id)
    model_id = given_model(engine)
    with transaction(engine) as session:
        assert not training_claims.extend(session, late, LEASE_S)
        assert not training_claims.settle(session, late, {"late": True})
        assert training_claims.advance(session, late, [epoch(1)], step=3) is None
        assert not training_claims.checkpointed(session, late, CHECKPOINT)
        assert not training_claims.finish(session, late, model_id)
        assert not training_claims.cancelled(session, late)
        assert not training_claims.fail(session, late, Code.RECIPE_INVALID, "late")
        training_claims.release(session, late)
        training_claims.crashed(session, late, "late")
    found = read(engine, training_id)
    assert (found.state, found.attempt, found.step) == (TrainingState.RUNNING, current.attempt, 0)
    assert (found.recipe, found.model_id, found.epochs) == (None, None, [])
    with transaction(engine) as session:
        assert training_claims.extend(session, current, LEASE_S)


def test_it_succeeds_with_its_model_for_good(engine, training_id):
    claim, model_id = claimed(engine, training_id), given_model(engine)
    with transaction(engine) as session:
        assert training_claims.finish(session, claim, model_id)
    found = read(engine, training_id)
    assert (found.state, found.model_id, found.percent) == (TrainingState.SUCCEEDED, model_id, 100.0)
    assert found.ended_at is not None
    assert not is_free(engine, training_id)
    with pytest.raises(TrainingError) as refusal:
        cancel(engine, training_id)
    assert refusal.value.code is Code.TRAINING_NOT_CANCELLABLE


def test_a_failed_one_says_why(engine, training_id):
    claim = claimed(engine, training_id)
    with transaction(engine) as session:
        assert training_claims.fail(session, claim, Code.RECIPE_INVALID, "stages: missing")
    found = read(engine, training_id)
    assert (found.state, found.code, found.detail) == ("failed", "recipe_invalid", "stages: missing")


def test_before_anything_was_trained_cancelling_is_the_end(engine, training_id):
    assert cancel(engine, training_id) is TrainingState.CANCELLED
    assert due(engine) == []
    assert not is_free(engine, training_id)


def test_a_running_one_is_told_and_ends_with_its_best_epoch(engine, training_id):
    claim, model_id = claimed(engine, training_id), given_model(engine)
    assert [cancel(engine, training_id) for _ in range(2)] == [TrainingState.CANCELLING] * 2
    with transaction(engine) as session:
        assert training_claims.advance(session, claim, step=3) is TrainingState.CANCELLING
        assert training_claims.extend(session, claim, LEASE_S)
    assert not is_free(engine, training_id)
    with transaction(engine) as session:
        assert training_claims.finish(session, claim, model_id)
    found = read(engine, training_id)
    assert (found.state, found.model_id) == (TrainingState.CANCELLED, model_id)


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_cancelled_while_its_trainer_is_dead(engine, training_id, has_checkpoint):
    claim = claimed(engine, training_id)
    if has_checkpoint:
        with transaction(engine) as session:
            assert training_claims.checkpointed(session, claim, CHECKPOINT)
    let_lease_run_out(engine)
    assert cancel(engine, training_id) is TrainingState.CANCELLING
    assert due(engine) == [RunTraining(training_id=training_id)]
    # What has a checkpoint may have something to publish: a trainer is needed once more.
    assert is_free(engine, training_id) is has_checkpoint
    ended = TrainingState.CANCELLING if has_checkpoint else TrainingState.CANCELLED
    assert read(engine, training_id).state is ended


def test_waiting_with_a_checkpoint_it_is_cancelled_by_a_trainer(engine, training_id):
    claim = claimed(engine, training_id)
    with transaction(engine) as session:
        training_claims.checkpointed(session, claim, CHECKPOINT)
        training_claims.release(session, claim)
    assert read(engine, training_id).state is TrainingState.QUEUED
    assert cancel(engine, training_id) is TrainingState.CANCELLING
    assert claimed(engine, training_id).checkpoint == CHECKPOINT


def test_one_that_ends_its_process_is_given_up(engine, training_id):
    for _ in range(MAX_ATTEMPTS):
        claimed(engine, training_id)
        let_lease_run_out(engine)
        assert due(engine) == [RunTraining(training_id=training_id)]
    assert not is_free(engine, training_id)
    assert (read(engine, training_id).state, read(engine, training_id).code) == (
        "failed",
        "attempts_exhausted",
    )


def test_one_that_gets_on_survives_any_number_of_deaths(engine, training_id):
    for attempt in range(1, 3 * MAX_ATTEMPTS):
        claim = claimed(engine, training_id)
        assert (claim.attempt, claim.tries) == (attempt, 1)
        with transaction(engine) as session:
            assert training_claims.checkpointed(session, claim, CHECKPOINT)
        let_lease_run_out(engine)


def test_a_server_that_is_away_costs_no_try_but_a_crash_does(engine, training_id):
    for attempt in range(1, 2 * MAX_ATTEMPTS):
        claim = claimed(engine, training_id)
        assert (claim.attempt, claim.tries) == (attempt, 1)
        with transaction(engine) as session:
            training_claims.release(session, claim)
        assert (due(engine), due(engine, -1)) == ([], [RunTraining(training_id=training_id)])
    for _ in range(MAX_ATTEMPTS):
        claim = claimed(engine, training_id)
        with transaction(engine) as session:
            training_claims.crashed(session, claim, "unexpected ValueError: no")
    found = read(engine, training_id)
    assert (found.state, found.code) == ("failed", "internal_error")
    assert found.detail == "unexpected ValueError: no"


def test_a_sent_message_is_not_missed_until_long_ago(engine, training_id):
    message = RunTraining(training_id=training_id)
    assert due(engine) == [message]
    with transaction(engine) as session:
        training_claims.mark_sent(session, [message])
    assert due(engine) == []
    assert due(engine, -1) == [message]
    claimed(engine, training_id)
    assert due(engine, -1) == []
    let_lease_run_out(engine)
    assert due(engine) == [message]


def test_one_that_ended_is_due_until_its_checkpoint_is_deleted(engine, training_id):
    other, message = given_training(engine), RunTraining(training_id=training_id)
    claim = claimed(engine, training_id)
    with transaction(engine) as session:
        training_claims.checkpointed(session, claim, CHECKPOINT)
        training_claims.fail(session, claim, Code.INTERNAL_ERROR, "no")
        assert training_claims.ended(session, [training_id, other, uuid.uuid4()]) == [training_id]
    assert due(engine) == [RunTraining(training_id=other)]
    assert message in due(engine, -1)
    with transaction(engine) as session:
        training_claims.cleared(session, [training_id])
    assert message not in due(engine, -1)


def test_the_same_bundle_is_registered_once_and_ready(engine):
    manifest = Manifest.model_validate(
        {
            "name": "house/tuned", "created_at": "2026-01-02T03:04:05Z", "licence": "mine",
            "default_presence": 0.5, "files": [{"name": "a.json", "size_bytes": 1, "sha256": "0" * 64}],
        }
    )  # fmt: skip
    with transaction(engine) as session:
        one, other = models.register(session, manifest), models.register(session, manifest)
        assert one == other
        assert (one.state, one.active) == ("ready", False)
