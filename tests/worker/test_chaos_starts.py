"""Workers and sweepers that start, or do not, in every order; and photos that end each worker they meet."""

import time

import pytest

from tests.local.processes import is_running
from tests.worker.chaos import SWEEP_EVERY_S, WINDOW, assert_all_succeeded, marked
from tests.worker.given import assert_nothing_lost, outcomes
from tests.worker.harm import DEAF, HUNG, POISON

# Seconds as a rule; each wait inside gives a busy machine minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_message_lost_before_a_worker_came(chaos):
    order = chaos.submit(10)
    chaos.broker().flushall()
    chaos.start_sweeper()
    chaos.start_worker()
    assert_all_succeeded(chaos, order)
    chaos.supervisor.stop(["worker", "sweeper"])


def test_a_worker_and_a_sweeper_that_start_before_the_broker(chaos):
    chaos.supervisor.stop(["valkey"])
    chaos.start_worker()
    chaos.start_sweeper()
    chaos.until(lambda: "Cannot connect" in chaos.log("worker"))
    chaos.start_broker()
    assert_all_succeeded(chaos, chaos.submit(5))
    chaos.supervisor.stop(["worker", "sweeper"])


def test_photos_that_end_or_hang_their_worker_fail_and_the_others_go_on(chaos):
    bad = {"poison.png": POISON, "hung.png": HUNG, "deaf.png": DEAF}
    chaos.start_worker(TASK_TIME_LIMIT_S="8")
    chaos.start_sweeper()
    order = chaos.submit(10, **{name: marked(colour) for name, colour in bad.items()})
    chaos.until_run_ended(order)
    chaos.supervisor.stop(["worker", "sweeper"])
    found = outcomes(chaos.engine, order)
    assert {name: found.pop(name) for name in bad} == {
        "poison.png": "attempts_exhausted",
        "hung.png": "inference_timeout",
        "deaf.png": "attempts_exhausted",
    }
    assert set(found.values()) == {"succeeded"}
    assert_nothing_lost(chaos.engine, chaos.store, order)


def test_two_sweepers_ring_no_more_than_one(chaos):
    """Nobody listens, so the queue holds what was sent: at most the window, however long they sweep."""
    chaos.start_sweeper()
    chaos.start_sweeper("sweeper-2")
    order = chaos.submit(0, **{f"{number}.jpg": marked((1, 2, 3)) for number in range(30)})
    chaos.broker().delete("inspect")
    chaos.until(lambda: chaos.broker().llen("inspect") == WINDOW)
    time.sleep(10 * SWEEP_EVERY_S)
    assert chaos.broker().llen("inspect") == WINDOW
    chaos.kill("sweeper")
    chaos.start_worker()
    assert_all_succeeded(chaos, order)
    workers = chaos.worker_children()
    chaos.supervisor.stop(["worker", "sweeper", "sweeper-2"])
    assert not any(is_running(pid) for pid in workers)
