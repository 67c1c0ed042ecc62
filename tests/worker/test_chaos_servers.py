"""What may happen to the servers under a running worker."""

import os
import random
import signal
import time

import pytest

from tests.local.processes import kill
from tests.worker.chaos import Chaos, assert_all_succeeded

# Seconds as a rule; each wait inside gives a busy machine minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_flushall(busy):
    order = busy.submit(20)
    busy.until_ended(order, 5)
    busy.broker().flushall()
    assert_all_succeeded(busy, order)


def test_sigkill_of_the_broker(busy):
    order = busy.submit(20)
    busy.until_ended(order, 5)
    busy.kill("valkey")
    assert_all_succeeded(busy, order)


def test_sigkill_of_the_database(busy):
    order = busy.submit(20)
    busy.until_ended(order, 5)
    busy.kill("postgres")
    assert_all_succeeded(busy, order)


def test_sigkill_of_storage(busy):
    order = busy.submit(20)
    busy.until_ended(order, 5)
    busy.kill("seaweedfs")
    assert_all_succeeded(busy, order)


def test_a_frozen_broker_delays_and_loses_nothing(busy):
    order = busy.submit(20)
    busy.until_ended(order, 5)
    valkey = busy.pid("valkey")
    os.kill(valkey, signal.SIGSTOP)
    time.sleep(8)
    os.kill(valkey, signal.SIGCONT)
    assert_all_succeeded(busy, order)


def hit(chaos: Chaos, dice: random.Random) -> None:
    """One fault of a seeded series."""
    fault = dice.choice(["child", "worker", "broker", "flush", "database", "storage", "sweeper"])
    if fault == "child":
        for pid in sorted(chaos.worker_children())[:1]:
            kill(pid)
    elif fault == "flush":
        chaos.broker().flushall()
    else:
        names = {"broker": "valkey", "database": "postgres", "storage": "seaweedfs"}
        chaos.kill(names.get(fault, fault))


def test_a_seeded_series_of_faults(busy):
    dice = random.Random(7)
    order = busy.submit(50)
    for number in range(8):
        busy.until_ended(order, 5 * number)
        hit(busy, dice)
    assert_all_succeeded(busy, order)
