import fcntl
import tempfile

import pytest

from trainer import workspace as module
from trainer.workspace import workspace


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_empty_and_gone_afterwards(temporary):
    with workspace() as folder:
        assert list(folder.iterdir()) == []
        (folder / "checkpoint.pt").write_bytes(b"x")
    assert list(temporary.iterdir()) == []


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_uses_is_not(temporary):
    abandoned = temporary / "wallscan-training-dead"
    (abandoned / "work").mkdir(parents=True)
    (abandoned / "lock").touch()
    with workspace() as one, workspace() as other:
        assert not abandoned.exists()
        assert one.exists()
        assert other.exists()


def test_one_that_is_made_while_another_clears_up_is_left_alone(temporary, monkeypatch):
    def flock(lock, operation):
        if operation == fcntl.LOCK_EX:  # ours, the moment before it is locked
            for folder in temporary.iterdir():
                module._remove_abandoned(folder)
        fcntl_flock(lock, operation)

    fcntl_flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock)
    with workspace() as folder:
        assert folder.exists()
