"""Who may check a model version, and what comes of it."""

import pytest

from tests.records.given import after_update_of
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.domain.lifecycle import MAX_ATTEMPTS, ModelState
from wallscan.records import model_checks, models
from wallscan.records.session import transaction

LEASE_S = 60.0
LATE = BundleError(Code.BUNDLE_UNLOADABLE, "late")


@pytest.fixture
def model_id(engine):
    """A version that was put up for checking."""
    with transaction(engine) as session:
        announced = models.announce(session, "house/model", "d" * 64, {"name": "house/model"})
        assert model_checks.claim(session, announced.id, LEASE_S) is None
        assert model_checks.put_up(session, announced.id).state is ModelState.CHECKING
    return announced.id


@pytest.fixture
def claim(engine, model_id):
    def claimed(lease_s=LEASE_S):
        with transaction(engine) as session:
            return model_checks.claim(session, model_id, lease_s)

    return claimed


@pytest.fixture
def ended(engine):
    def finish(held, refusal=None):
        with transaction(engine) as session:
            return model_checks.finish(session, held, refusal)

    return finish


def read(engine, model_id):
    with transaction(engine) as session:
        return models.get(session, model_id)


def test_one_trainer_at_a_time_checks_and_once(engine, model_id, claim, ended):
    held = claim()
    assert held.model == read(engine, model_id)
    assert [claim() for _ in range(MAX_ATTEMPTS)] == [None] * MAX_ATTEMPTS
    with transaction(engine) as session:
        assert model_checks.extend(session, held, LEASE_S)
        assert model_checks.due(session, 0.0) == []
    assert ended(held)
    assert not ended(held, LATE)
    assert claim() is None
    assert read(engine, model_id).state is ModelState.READY


def test_a_refusal_is_told(engine, model_id, claim, ended):
    assert ended(claim(), LATE)
    refused = read(engine, model_id)
    assert (refused.state, refused.code) == (ModelState.REJECTED, Code.BUNDLE_UNLOADABLE)


def test_who_lost_the_lease_decides_nothing(engine, model_id, claim, ended):
    late, held = claim(lease_s=-1.0), claim()
    with transaction(engine) as session:
        assert not model_checks.extend(session, late, LEASE_S)
        assert not model_checks.release(session, late)
    assert not ended(late, LATE)
    assert ended(held)


def test_what_was_found_before_it_was_put_up_again_says_nothing_of_it(engine, model_id, claim, ended):
    before = claim()
    with transaction(engine) as session:
        model_checks.put_up(session, model_id)
    held = claim()
    assert not ended(before, LATE)
    assert ended(held)


def test_a_model_that_ends_its_process_each_time_is_rejected(engine, model_id, claim):
    for _ in range(MAX_ATTEMPTS):
        assert claim(lease_s=-1.0) is not None
    assert claim() is None
    assert read(engine, model_id).code == Code.ATTEMPTS_EXHAUSTED
    with transaction(engine) as session:
        model_checks.put_up(session, model_id)
    assert claim() is not None


def test_a_check_put_back_costs_no_try_and_waits(engine, model_id, claim):
    for _ in range(MAX_ATTEMPTS + 1):
        with transaction(engine) as session:
            assert model_checks.release(session, claim())
    with transaction(engine) as session:
        assert model_checks.due(session, 600.0) == []
    with transaction(engine) as session:
        assert [one.model_id for one in model_checks.due(session, -1.0)] == [model_id]


def test_one_put_back_while_another_message_is_turned_away_is_not_rejected(engine, model_id, claim):
    held = claim()

    def put_back():
        with transaction(engine) as session:
            model_checks.release(session, held)

    with after_update_of(engine, "model_versions", put_back):
        assert claim() is None
    assert read(engine, model_id).state is ModelState.CHECKING


def test_one_whose_trainer_died_is_due_as_soon_as_its_lease_ran_out(engine, model_id, claim):
    with transaction(engine) as session:
        model_checks.mark_sent(session, model_checks.due(session, 600.0))
    claim(lease_s=-1.0)
    with transaction(engine) as session:
        assert [one.model_id for one in model_checks.due(session, 600.0)] == [model_id]
