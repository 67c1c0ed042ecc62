from tests.records.test_trainings import claimed, epoch, given_training, read
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import TrainingState
from wallscan.records import training_claims
from wallscan.records.session import transaction
from wallscan.wire.trainings import Preparation


def test_progress_and_epochs_are_there_to_read_and_may_be_told_again(engine):
    training_id = given_training(engine)
    claim = claimed(engine, training_id)
    for iou in (0.5, 0.7):
        with transaction(engine) as session:
            state = training_claims.advance(
                session, claim, [epoch(1), epoch(2, iou)], step=8, steps=40, loss=0.25, eta_s=64.0
            )
        assert state is TrainingState.RUNNING
    found = read(engine, training_id)
    assert (found.step, found.steps, found.percent, found.loss, found.eta_s) == (8, 40, 20.0, 0.25, 64.0)
    assert [(one.number, one.valid_iou) for one in found.epochs] == [(1, 0.5), (2, 0.7)]


def test_what_comes_before_the_first_step_is_told_until_then(engine):
    training_id = given_training(engine)
    claim, ahead = claimed(engine, training_id), Preparation(what="Teacher", done=3, total=40)
    with transaction(engine) as session:
        training_claims.advance(session, claim, preparation=ahead.model_dump())
    found = read(engine, training_id)
    assert (found.preparation, found.step, found.steps) == (ahead, 0, None)
    with transaction(engine) as session:
        training_claims.advance(session, claim, preparation=None, step=1, steps=8)
    assert read(engine, training_id).preparation is None


def test_one_that_ends_prepares_nothing_any_more(engine):
    training_id = given_training(engine)
    claim = claimed(engine, training_id)
    with transaction(engine) as session:
        training_claims.advance(session, claim, preparation={"what": "Words", "done": 1, "total": 2})
        assert training_claims.fail(session, claim, Code.TRAINING_DIVERGED, "the teacher's step 2")
    assert read(engine, training_id).preparation is None
