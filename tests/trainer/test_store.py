import errno
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from trainer import store as module
from trainer.store import SYNC_EVERY, Store
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError


def store(folder, count=2 * SYNC_EVERY):
    return Store(folder, count, {"states": ((2, 3), np.float16), "truths": ((), np.uint8)})


def put(target, first, count):
    numbers = np.arange(first, first + count)
    states = np.broadcast_to(numbers[:, None, None], (count, 2, 3)).astype(np.float16)
    target.put(first, {"states": states, "truths": (numbers % 256).astype(np.uint8)})


def test_rows_are_there_for_another_process(tmp_path):
    filled = store(tmp_path)
    filled.reserve()
    for first in range(0, filled.count, 8):
        put(filled, first, 8)
    assert filled.done == filled.count
    there = pickle.loads(pickle.dumps(store(tmp_path)))  # noqa: S301 - its own bytes
    assert (there.rows["states"].array[37] == 37).all()
    assert there.rows["truths"].array[300] == 300 % 256


def test_an_open_file_does_not_travel(tmp_path):
    filled = store(tmp_path)
    filled.reserve()
    put(filled, 0, 8)
    assert len(pickle.dumps(filled)) < 2000


def test_only_rows_that_are_on_disk_count(tmp_path):
    half = store(tmp_path)
    half.reserve()
    for first in range(0, SYNC_EVERY + 16, 8):
        put(half, first, 8)
    assert store(tmp_path).done == SYNC_EVERY


def test_one_at_a_time_fills_it_and_one_that_dies_lets_go(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ASK_EVERY_S", 0.0)
    holds = (
        "import sys, pathlib; from trainer.store import Store\n"
        "with Store(pathlib.Path(sys.argv[1]), 1, {}).alone(lambda: None):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", holds, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    waits = []

    def wait():
        waits.append(holder.poll())
        if len(waits) == 3:
            holder.kill()
            holder.wait()

    with store(tmp_path).alone(wait):
        assert waits[:3] == [None] * 3
        assert holder.poll() is not None
    holder.communicate()


def test_a_full_disk_is_said_before_anything_is_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(TrainingError) as refusal:
        store(tmp_path).reserve()
    assert refusal.value.code is Code.DISK_TOO_SMALL
    assert not (tmp_path / "states").exists()
