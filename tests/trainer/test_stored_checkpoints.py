"""What becomes of checkpoints in storage once their training has ended, however its trainers ended."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import func, update

from tests.trainer.jobs import given_dataset, given_training
from tests.trainer.small import small_recipe
from trainer.checkpoint import LAST
from trainer.claim import CLAIM
from trainer.jobs import Service, run_training
from trainer.reporter import Reporter
from trainer.stored_checkpoints import ClaimLostError, StoredCheckpoints
from trainer.teacher import FILE as TEACHER
from wallscan.domain.codes import Code
from wallscan.records import training_claims
from wallscan.records.session import transaction
from wallscan.records.training_tables import Training
from wallscan.storage import keys

STEP = 3


@pytest.fixture
def service(engine, store):
    return Service(engine, store, "a-trainer", lease_s=60.0, checkpoint_every_s=0.0)


@pytest.fixture
def work(tmp_path):
    (tmp_path / LAST).write_text("a checkpoint")
    return tmp_path


def claimed(service):
    """The claim of a new training, and what stores its checkpoints."""
    dataset_id = given_dataset(service.engine, service.store, uuid.uuid4().bytes)
    training_id = given_training(service.engine, dataset_id, small_recipe())
    with transaction(service.engine) as session:
        claim = training_claims.claim(session, training_id, service.name, service.lease_s)
    assert claim is not None
    return claim, StoredCheckpoints(service.engine, service.store, claim)


def begun(service, work):
    """The same, with a checkpoint in storage."""
    claim, checkpoints = claimed(service)
    checkpoints.save(work, STEP)
    return claim, checkpoints


def fail(service, claim):
    with transaction(service.engine) as session:
        assert training_claims.fail(session, claim, Code.INTERNAL_ERROR, "no")


def due(service):
    with transaction(service.engine) as session:
        return [message.training_id for message in training_claims.due(session, -1)]


def stored(service, training_id):
    prefix = keys.training(training_id)
    return [key.removeprefix(prefix) for key in service.store.list(prefix)]


def test_a_trainer_that_died_before_it_deleted_them_is_made_up_for(service, work):
    claim, _ = begun(service, work)
    fail(service, claim)
    assert stored(service, claim.id) == [f"1/{STEP}/{LAST}"]
    assert due(service) == [claim.id]
    for _ in range(2):
        run_training(service, claim.id)
        assert stored(service, claim.id) == []
        assert due(service) == []


def test_the_precision_of_a_run_is_kept_by_whoever_goes_on(service, work, tmp_path_factory):
    (work / CLAIM).write_text("in bf16")
    claim, checkpoints = begun(service, work)
    checkpoints.save(work, STEP + 1)
    assert stored(service, claim.id) == [f"1/{STEP}/{LAST}", f"1/{STEP}/{CLAIM}"]
    with transaction(service.engine) as session:
        session.execute(update(Training).values(lease_until=func.now() - dt.timedelta(seconds=1)))
        claim = training_claims.claim(session, claim.id, "another", service.lease_s)
    assert claim is not None
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    StoredCheckpoints(service.engine, service.store, claim).restore(elsewhere)
    assert (elsewhere / CLAIM).read_text() == "in bf16"


def test_what_is_stored_after_the_end_is_taken_away_again(service, work):
    claim, checkpoints = begun(service, work)
    fail(service, claim)
    run_training(service, claim.id)
    (work / LAST).write_text("a later checkpoint")
    with pytest.raises(ClaimLostError):
        checkpoints.save(work, STEP + 1)
    assert stored(service, claim.id) == []


def test_what_a_late_trainer_left_goes_with_any_message_and_what_others_need_stays(service, work):
    (over, _), (running, _) = begun(service, work), begun(service, work)
    fail(service, over)
    run_training(service, over.id)
    service.store.put(keys.checkpoint(over.id, 1, STEP + 1, LAST), b"late", "application/octet-stream")
    run_training(service, uuid.uuid4())
    assert stored(service, over.id) == []
    assert stored(service, running.id) == [f"1/{STEP}/{LAST}"]


def test_a_teacher_is_stored_before_the_first_step_and_found_by_whoever_goes_on(service, tmp_path):
    claim, checkpoints = claimed(service)
    reporter = Reporter(service.engine, claim, checkpoints, service.lease_s, service.checkpoint_every_s)

    def learnt(steps):
        (tmp_path / TEACHER).write_text(f"of step {steps}")
        reporter.prepared("Teacher", steps, 100)
        reporter.saved(tmp_path)

    learnt(50)
    assert stored(service, claim.id) == [f"1/-50/{TEACHER}"]
    with transaction(service.engine) as session:
        session.execute(update(Training).values(lease_until=func.now() - dt.timedelta(seconds=1)))
        taken = training_claims.claim(session, claim.id, "another", service.lease_s)
    assert taken is not None
    with pytest.raises(ClaimLostError):
        learnt(100)
    StoredCheckpoints(service.engine, service.store, taken).restore(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / TEACHER).read_text() == "of step 50"


def test_a_teacher_that_has_learnt_is_stored_whenever_the_last_one_was(service, tmp_path):
    claim, checkpoints = claimed(service)
    reporter = Reporter(service.engine, claim, checkpoints, service.lease_s, checkpoint_every_s=3600.0)
    for step in (50, 100):
        (tmp_path / TEACHER).write_text(f"of step {step}")
        reporter.prepared("Teacher", step, 100)
        reporter.saved(tmp_path)
    assert stored(service, claim.id) == [f"1/0/{TEACHER}"]
