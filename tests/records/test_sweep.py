import datetime as dt

from sqlalchemy import Engine, func, select, text, update

from tests.records.given import FACTS, Order, claimed, given_run, results
from wallscan.domain.lifecycle import MAX_ATTEMPTS, TaskState
from wallscan.records import runs, sweep, tasks
from wallscan.records.session import transaction
from wallscan.records.tables import Task


def states(engine: Engine, order: Order) -> list[tuple[str, str | None]]:
    with transaction(engine) as session:
        rows = session.execute(select(Task.state, Task.code).where(Task.run_id == order.run_id))
        return sorted((state.value, code) for state, code in rows)


def shift(engine: Engine, **columns: dt.timedelta) -> None:
    """Move times of all tasks that have them."""
    with transaction(engine) as session:
        for name, by in columns.items():
            column = getattr(Task, name)
            session.execute(update(Task).where(column.is_not(None)).values({name: column - by}))


def test_an_expired_claim_goes_back_to_the_queue_as_never_sent(engine):
    order = given_run(engine, photos=2)
    with transaction(engine) as session:
        tasks.mark_sent(session, tasks.due(session, 2))
    claimed(engine, order, lease_s=60)
    with transaction(engine) as session:
        assert sweep.requeue_expired(session) == 0
    shift(engine, lease_until=dt.timedelta(minutes=2))
    with transaction(engine) as session:
        assert sweep.requeue_expired(session) == 1
        assert [message.photo_id for message in tasks.due(session, 9)] == [order.photo_ids[0]]
    assert claimed(engine, order).attempt == 2


def test_expired_claims_without_tries_left_fail(engine):
    order = given_run(engine)
    for _ in range(MAX_ATTEMPTS):
        claimed(engine, order)
        shift(engine, lease_until=dt.timedelta(minutes=2))
    with transaction(engine) as session:
        assert sweep.requeue_expired(session) == 0
        assert sweep.finished_runs(session) == [order.run_id]
    assert states(engine, order) == [("failed", "attempts_exhausted")]


def test_a_photo_released_into_a_cancelling_run_is_cancelled(engine):
    order = given_run(engine)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        runs.cancel(session, order.run_id)
        tasks.release(session, claim, count_try=False)
        assert sweep.finished_runs(session) == []
        assert sweep.cancel_stragglers(session) == 1
        assert sweep.finished_runs(session) == [order.run_id]
    assert states(engine, order) == [("cancelled", None)]


def test_sent_photos_are_counted_and_named_after_the_grace_time(engine):
    order = given_run(engine, photos=3)
    with transaction(engine) as session:
        assert sweep.count_sent(session) == 0
        tasks.mark_sent(session, tasks.due(session, 2))
        assert sweep.count_sent(session) == 2
        assert sweep.sent_longest_ago(session, 9, grace_s=10) == []
    shift(engine, sent_at=dt.timedelta(seconds=11))
    with transaction(engine) as session:
        again = sweep.sent_longest_ago(session, 9, grace_s=10)
        assert len(again) == 2
        tasks.mark_sent(session, again[:1])
        assert sweep.sent_longest_ago(session, 9, grace_s=10) == again[1:]
        runs.cancel(session, order.run_id)
        assert sweep.count_sent(session) == 0


def test_a_run_whose_finisher_died_is_found(engine):
    order, other = given_run(engine), given_run(engine)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        tasks.finish(session, claim, FACTS, results(claim))
        assert sweep.finished_runs(session) == [order.run_id]
        runs.complete_if_done(session, order.run_id)
        assert sweep.finished_runs(session) == []
    assert states(engine, other) == [("queued", None)]


def test_a_locked_row_is_left_for_the_next_sweep(engine):
    order = given_run(engine, photos=2)
    claimed(engine, order, 0)
    claimed(engine, order, 1)
    shift(engine, lease_until=dt.timedelta(minutes=2))
    with transaction(engine) as holder:
        holder.execute(select(Task).where(Task.photo_id == order.photo_ids[0]).with_for_update())
        with transaction(engine) as session:
            assert sweep.requeue_expired(session) == 1
    assert states(engine, order) == [("queued", None), ("running", None)]


def test_only_one_sweeper_sweeps(engine):
    with transaction(engine) as first, transaction(engine) as second:
        assert sweep.try_lock(first)
        assert first.scalar(text("SHOW idle_in_transaction_session_timeout")) == "5min"
        assert not sweep.try_lock(second)
    with transaction(engine) as second:
        assert sweep.try_lock(second)


def test_sweeping_leaves_ended_tasks_alone(engine):
    order = given_run(engine)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        tasks.finish(session, claim, FACTS, results(claim))
        assert sweep.requeue_expired(session) == 0
        assert sweep.cancel_stragglers(session) == 0
        assert session.scalar(select(func.count()).where(Task.state == TaskState.SUCCEEDED)) == 1
