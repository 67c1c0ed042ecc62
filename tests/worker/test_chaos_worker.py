"""What may happen to a worker. Whatever it is: every photo ends once, with its masks or with a reason."""

import os
import signal

import pytest
from sqlalchemy import select, text

from tests.local.processes import descendants, kill
from tests.worker.chaos import Chaos, assert_all_succeeded, marked
from tests.worker.given import outcomes
from tests.worker.harm import SLEEPY
from wallscan.domain.lifecycle import TaskState
from wallscan.records.session import transaction
from wallscan.records.tables import Task

# Seconds as a rule; each wait inside gives a busy machine minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def attempts(chaos: Chaos, order) -> dict[str, int]:
    with transaction(chaos.engine) as session:
        rows = session.execute(select(Task.photo_id, Task.attempt).where(Task.run_id == order.run_id))
        return {str(photo_id): attempt for photo_id, attempt in rows}


def running_photos(chaos: Chaos, order) -> int:
    with transaction(chaos.engine) as session:
        tasks = select(Task).where(Task.run_id == order.run_id, Task.state == TaskState.RUNNING)
        return len(session.scalars(tasks).all())


def test_sigkill_of_a_child(busy):
    order = busy.submit(20)
    busy.until_ended(order, 5)
    for pid in busy.worker_children():
        kill(pid)
    assert_all_succeeded(busy, order)


def test_sigkill_of_the_whole_worker(busy):
    order = busy.submit(20)
    for done in (5, 15):
        busy.until_ended(order, done)
        worker = busy.pid("worker")
        os.kill(worker, signal.SIGSTOP)  # it is to notice nothing
        for pid in descendants(worker):
            kill(pid)
        kill(worker)
    assert_all_succeeded(busy, order)


def test_ten_messages_a_photo_give_one_result(busy):
    order = busy.submit(10)
    for _ in range(9):
        busy.ring(order)
    busy.until(lambda: busy.broker().llen("inspect") == 0)
    assert_all_succeeded(busy, order)
    assert set(attempts(busy, order).values()) == {1}


def test_sigterm_lets_the_photo_under_way_finish(busy):
    order = busy.submit(0, **{"sleepy/1.png": marked(SLEEPY), "sleepy/2.png": marked(SLEEPY)})
    busy.until(lambda: running_photos(busy, order) == 2)
    busy.supervisor.stop(["worker"])
    assert set(outcomes(busy.engine, order).values()) == {"succeeded"}
    assert set(attempts(busy, order).values()) == {1}
    busy.start_worker()
    assert_all_succeeded(busy, order)


def freeze(chaos: Chaos) -> set[int]:
    """Stop all processes of the worker; what they are to be woken by."""
    frozen = chaos.worker_children() | {chaos.pid("worker")}
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    return frozen


def assert_another_ends_it(chaos: Chaos, order, frozen: set[int]) -> None:
    """With a second worker, while the first is frozen. That one wakes in the end."""
    chaos.start_worker("worker-2", processes=1)
    try:
        chaos.until_run_ended(order)
        assert set(attempts(chaos, order).values()) == {2}
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)


def waits_for_a_lock(chaos: Chaos) -> bool:
    with transaction(chaos.engine) as session:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(session.scalar(waiting))


def test_a_worker_that_is_frozen_in_a_transaction_gives_its_locks_up(busy):
    order = busy.submit(0, **{"sleepy/1.png": marked(SLEEPY)})
    busy.until(lambda: running_photos(busy, order) == 1)
    with transaction(busy.engine) as session:
        session.execute(select(Task.photo_id).where(Task.run_id == order.run_id).with_for_update())
        busy.until(lambda: waits_for_a_lock(busy))  # the worker, which extends its lease
        frozen = freeze(busy)
    assert_another_ends_it(busy, order, frozen)
    busy.supervisor.stop(["worker-2"])
    assert_all_succeeded(busy, order)


def test_a_frozen_worker_that_wakes_too_late_is_fenced_off(busy):
    order = busy.submit(0, **{"sleepy/1.png": marked(SLEEPY)})
    busy.until(lambda: running_photos(busy, order) == 1)
    assert_another_ends_it(busy, order, freeze(busy))
    busy.until(lambda: "the claim was lost" in busy.log("worker"))
    busy.supervisor.stop(["worker-2"])
    assert_all_succeeded(busy, order)
