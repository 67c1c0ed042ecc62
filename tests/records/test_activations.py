import threading

import pytest

from tests.records.given import given_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.lifecycle import ActivationKind
from wallscan.records import activations, model_checks, models
from wallscan.records.session import transaction


@pytest.fixture
def served(engine):
    """Three versions that served in this order."""
    ids = [given_model(engine) for _ in range(3)]
    for model_id in ids:
        with transaction(engine) as session:
            activations.activate(session, model_id, ActivationKind.FORCED, key_name="k", reason="test")
    return ids


def serves_now(engine):
    with transaction(engine) as session:
        return models.resolve(session, None).id


def test_rolling_back_goes_back_step_by_step_and_is_on_record(engine, served):
    for model_id in served[1::-1]:
        with transaction(engine) as session:
            assert activations.roll_back(session, "a key", "false alarms") == model_id
        assert serves_now(engine) == model_id
    with transaction(engine) as session, pytest.raises(WallscanError) as refused:
        activations.roll_back(session, "a key")
    assert refused.value.code is Code.ROLLBACK_IMPOSSIBLE
    with transaction(engine) as session:
        history = activations.history(session, 9)
    assert [one.kind for one in history] == ["rollback", "rollback", "forced", "forced", "forced"]
    assert {one.reason for one in history[:2]} == {"false alarms"}


def test_after_a_rollback_a_new_version_is_rolled_back_to_what_it_replaced(engine, served):
    new = given_model(engine)
    with transaction(engine) as session:
        activations.roll_back(session, "a key")
        activations.activate(session, new, ActivationKind.FORCED, reason="test")
        assert activations.roll_back(session, "a key") == served[1]


def test_activating_what_serves_notes_nothing(engine, served):
    with transaction(engine) as session:
        activations.activate(session, served[2], ActivationKind.FORCED, reason="test")
        assert len(activations.history(session, 9)) == 3
        assert [one.model_id for one in activations.history(session, 9, model_id=served[0])] == [served[0]]


def test_what_is_not_ready_never_serves(engine, served):
    with transaction(engine) as session:
        expected = models.announce(session, "half", "e" * 64, {}).id
    for _ in range(2):
        with transaction(engine) as session, pytest.raises(WallscanError) as refused:
            activations.activate(session, expected, ActivationKind.FORCED, reason="test")
        assert refused.value.code is Code.MODEL_NOT_READY
        with transaction(engine) as session:
            model_checks.put_up(session, expected)
    assert serves_now(engine) == served[2]


def test_many_roll_back_at_once_what_they_see_and_one_does(engine, served):
    start, done = threading.Barrier(4), list[object]()

    def roll_back():
        start.wait()
        try:
            with transaction(engine) as session:
                done.append(activations.roll_back(session, "a key", None, served[2]))
        except WallscanError as error:
            done.append(error.code)

    threads = [threading.Thread(target=roll_back) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.count(served[1]) == 1
    assert done.count(Code.MODEL_ACTIVE_CHANGED) == 3
