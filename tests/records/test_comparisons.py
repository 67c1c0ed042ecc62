"""Who may compare what, what comes of it, and that of two publishers one wins."""

import threading

import pytest
from sqlalchemy import update

from tests.records.given import after_update_of, given_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, WallscanError
from wallscan.domain.lifecycle import MAX_ATTEMPTS, ActivationKind, ComparisonState
from wallscan.records import activations, comparisons, models
from wallscan.records.model_tables import ModelComparison
from wallscan.records.session import transaction
from wallscan.wire.models import ActivationOrder, Measured

MEASURED = Measured(benchmark="made up", benchmark_sha256="0" * 64, photos=3, groups=2, checks=[])
LEASE_S = 60.0


@pytest.fixture
def serving(engine):
    """A version that serves."""
    model_id = given_model(engine)
    with transaction(engine) as session:
        activations.activate(session, model_id, ActivationKind.FIRST)
    return model_id


def ordered(engine, model_id, **order):
    with transaction(engine) as session:
        return comparisons.order(session, model_id, ActivationOrder(**order), "a key")


def asked(engine, model_id=None):
    """The id of the comparison of a version that was asked for."""
    model_id = model_id or given_model(engine)
    assert not ordered(engine, model_id)
    with transaction(engine) as session:
        (message,) = comparisons.queued(session, model_id)
    return message.comparison_id


def claimed(engine, comparison_id, lease_s=LEASE_S):
    with transaction(engine) as session:
        return comparisons.claim(session, comparison_id, lease_s)


def finished(engine, claim, refusal=None):
    with transaction(engine) as session:
        return comparisons.finish(session, claim, MEASURED, refusal)


def row_of(engine, comparison_id):
    with transaction(engine) as session:
        return session.get_one(ModelComparison, comparison_id)


def serves_now(engine):
    with transaction(engine) as session:
        return models.resolve(session, None).id


def test_one_trainer_at_a_time_compares(engine, serving):
    comparison_id = asked(engine)
    claim = claimed(engine, comparison_id)
    assert claim is not None
    assert (claim.attempt, claim.dataset) == (1, None)
    assert claimed(engine, comparison_id) is None
    with transaction(engine) as session:
        assert comparisons.extend(session, claim, LEASE_S)
        assert comparisons.due(session, 0.0) == []


def test_one_put_back_while_another_message_is_turned_away_is_not_given_up(engine, serving):
    comparison_id = asked(engine)
    held = claimed(engine, comparison_id)

    def put_back():
        with transaction(engine) as session:
            comparisons.release(session, held)

    with after_update_of(engine, "model_comparisons", put_back):
        assert claimed(engine, comparison_id) is None
    assert row_of(engine, comparison_id).state is ComparisonState.QUEUED


def test_a_version_is_compared_once_at_a_time(engine, serving):
    model_id = given_model(engine)
    assert asked(engine, model_id) == asked(engine, model_id)


def test_who_lost_the_lease_writes_nothing(engine, serving):
    comparison_id = asked(engine)
    late = claimed(engine, comparison_id, lease_s=-1.0)
    claim = claimed(engine, comparison_id)
    assert claim is not None
    assert claim.attempt == 2
    with transaction(engine) as session:
        assert not comparisons.extend(session, late, LEASE_S)
        assert not comparisons.finish(session, late, MEASURED, None)
        assert not comparisons.fail(session, late, BundleError(Code.BUNDLE_UNLOADABLE, "late"))
        comparisons.release(session, late)
    assert (row_of(engine, comparison_id).state, serves_now(engine)) == (ComparisonState.RUNNING, serving)
    assert finished(engine, claim)


def test_one_that_ends_its_process_each_time_is_given_up(engine, serving):
    comparison_id = asked(engine)
    for _ in range(MAX_ATTEMPTS):
        assert claimed(engine, comparison_id, lease_s=-1.0) is not None
    assert claimed(engine, comparison_id) is None
    row = row_of(engine, comparison_id)
    assert (row.state, row.code) == (ComparisonState.FAILED, Code.ATTEMPTS_EXHAUSTED)
    assert serves_now(engine) == serving
    assert asked(engine, row.model_id) != comparison_id  # it may be tried again


def test_a_released_comparison_waits_its_turn_and_has_lost_no_attempt(engine, serving):
    comparison_id = asked(engine)
    for _ in range(MAX_ATTEMPTS + 1):
        claim = claimed(engine, comparison_id)
        assert claim is not None
        with transaction(engine) as session:
            comparisons.release(session, claim)
        with transaction(engine) as session:
            assert comparisons.due(session, 600.0) == []
        with transaction(engine) as session:
            assert [one.comparison_id for one in comparisons.due(session, -1.0)] == [comparison_id]


def test_one_whose_trainer_died_is_due_as_soon_as_its_lease_ran_out(engine, serving):
    comparison_id = asked(engine)
    with transaction(engine) as session:
        comparisons.mark_sent(session, comparisons.due(session, 600.0))
    assert claimed(engine, comparison_id, lease_s=-1.0) is not None
    with transaction(engine) as session:
        assert [one.comparison_id for one in comparisons.due(session, 600.0)] == [comparison_id]


def test_one_that_passed_serves_and_needs_no_second_comparison(engine, serving):
    model_id = given_model(engine)
    claim = claimed(engine, asked(engine, model_id))
    assert finished(engine, claim)
    assert serves_now(engine) == model_id
    with transaction(engine) as session:
        activations.roll_back(session, "a key")
    assert serves_now(engine) == serving
    assert ordered(engine, model_id)
    assert serves_now(engine) == model_id


def test_one_that_was_refused_stays_refused_unless_forced(engine, serving):
    model_id = given_model(engine)
    claim = claimed(engine, asked(engine, model_id))
    assert finished(engine, claim, "it is worse")
    assert serves_now(engine) == serving
    with pytest.raises(WallscanError, match="it is worse") as refused:
        ordered(engine, model_id)
    assert refused.value.code is Code.MODEL_GATE_REFUSED
    assert ordered(engine, model_id, force=True, reason="we know better")
    with transaction(engine) as session:
        latest = activations.history(session, 1)[0]
    assert (latest.model_id, latest.kind, latest.reason) == (
        model_id,
        ActivationKind.FORCED,
        "we know better",
    )
    assert latest.comparison_id == claim.id


def test_what_passed_against_a_version_that_no_longer_serves_does_not_serve(engine, serving):
    claim = claimed(engine, asked(engine))
    other = given_model(engine)
    assert ordered(engine, other, force=True, reason="urgent")
    assert finished(engine, claim)
    row = row_of(engine, claim.id)
    assert (row.state, row.code) == (ComparisonState.FAILED, Code.MODEL_ACTIVE_CHANGED)
    assert serves_now(engine) == other


def test_of_publishers_at_the_same_time_one_wins(engine, serving):
    claims = [claimed(engine, asked(engine)) for _ in range(4)]
    start = threading.Barrier(len(claims))

    def publish(claim):
        with transaction(engine) as session:
            start.wait()
            assert comparisons.finish(session, claim, MEASURED, None)

    together(publish, claims)
    rows = [row_of(engine, claim.id) for claim in claims]
    assert sorted(row.state for row in rows) == ["failed", "failed", "failed", "passed"]
    assert {row.code for row in rows if row.state is ComparisonState.FAILED} == {Code.MODEL_ACTIVE_CHANGED}
    assert [serves_now(engine)] == [row.model_id for row in rows if row.state is ComparisonState.PASSED]
    with transaction(engine) as session:
        assert [one.kind for one in activations.history(session, 9)] == ["gate", "first"]


def test_of_two_who_force_over_what_they_saw_one_does(engine, serving):
    rivals, outcomes = [given_model(engine) for _ in range(2)], []
    start = threading.Barrier(2)

    def force(model_id):
        start.wait()
        try:
            outcomes.append(ordered(engine, model_id, force=True, reason="mine", expected_active_id=serving))
        except WallscanError as error:
            outcomes.append(error.code)

    together(force, rivals)
    assert sorted(map(str, outcomes)) == ["True", "model_active_changed"]
    with transaction(engine) as session:
        assert len(activations.history(session, 9)) == 2


def test_an_outcome_is_for_good(engine, serving):
    claim = claimed(engine, asked(engine))
    assert finished(engine, claim, "it is worse")
    with pytest.raises(Exception, match="refused"), transaction(engine) as session:
        session.execute(update(ModelComparison).values(state="passed", code=None))


def together(call, arguments):
    threads = [threading.Thread(target=call, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
