"""The data folder: one launcher at a time, private secrets that stay, logs that do not grow for ever."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.processes import is_running
from wallscan.domain.codes import Code
from wallscan.local.data import DataFolder, State, write_private
from wallscan.local.errors import LocalError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data(tmp_path):
    made = DataFolder(tmp_path / "data")
    yield made
    made.unlock()


def test_a_second_launcher_is_told_who_holds_the_folder(data):
    data.write_state(State(pid=os.getpid(), url="http://127.0.0.1:1"))
    with pytest.raises(LocalError) as busy:
        DataFolder(data.path)
    assert busy.value.code is Code.STACK_BUSY
    assert f"process {os.getpid()} (http://127.0.0.1:1)" in busy.value.detail


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="file/data cannot be used: Not a directory"):
        DataFolder(tmp_path / "file" / "data")


def test_a_folder_is_free_again_after_unlock(tmp_path):
    DataFolder(tmp_path).unlock()
    DataFolder(tmp_path).unlock()


LAUNCHER = """
import os, signal, sys
from pathlib import Path
from wallscan.local.data import DataFolder, State
from wallscan.local.group import ProcessGroup, Program

data = DataFolder(Path(sys.argv[1]))
data.write_state(State(pid=os.getpid()))
group = ProcessGroup(data.lock_fd)
child = group.start(Program(["/bin/sh", "-c", "trap 'sleep 1; exit' TERM; while :; do sleep 0.05; done"]))
Path(sys.argv[1]).with_name("pid").write_text(str(child.pid))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_launcher_holds_the_folder_until_its_children_are_gone(tmp_path):
    folder = tmp_path / "data"
    subprocess.run([sys.executable, "-c", LAUNCHER, folder], cwd=ROOT, check=False)
    data = DataFolder(folder)  # waits
    child = int((tmp_path / "pid").read_text())
    assert not is_running(child)
    data.unlock()


def test_secrets_stay_the_same_and_are_for_the_owner_alone(data):
    first = data.secrets
    data.keep_api_key("key")
    data.unlock()
    again = DataFolder(data.path)
    data.lock_fd = again.lock_fd
    assert again.secrets == first.model_copy(update={"api_key": "key"})
    for path in (data.path / "secrets.json", data.logs):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert (
        len({first.postgres_password, first.database_password, first.redis_password, first.s3_secret_key})
        == 4
    )


def test_the_state_is_read_back_and_a_broken_one_is_none(data):
    state = State(pid=1, url="http://x", ports={"api": 2}, children={"api": 3})
    data.write_state(state)
    assert data.state() == state
    (data.path / "stack.json").write_text("{")
    assert data.state() == State()


def test_a_long_log_is_put_aside(data):
    data.log("api").write_bytes(b"x" * (11 << 20))
    data.log("worker").write_text("short")
    data.unlock()
    again = DataFolder(data.path)
    data.lock_fd = again.lock_fd
    assert sorted(path.name for path in data.logs.iterdir()) == ["api.log.old", "worker.log"]


def test_a_private_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append((tmp_path / "secrets.json").exists()))
    write_private(tmp_path / "secrets.json", "{}")
    assert synced == [False]


def test_a_private_file_that_cannot_be_written_leaves_no_scraps(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (tmp_path / "secrets.json").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "secrets.json", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LocalError, match="cannot be used: No space left"):
        DataFolder(tmp_path / "data")


def test_damaged_secrets_are_told_and_not_shown(data):
    (data.path / "secrets.json").write_text('{"postgres_password": "hidden"')
    data.unlock()
    with pytest.raises(LocalError, match=r"secrets\.json is damaged") as refused:
        DataFolder(data.path)
    assert refused.value.__suppress_context__
    data.lock_fd = os.open(data.path, os.O_RDONLY)
