"""Children that die, loop, refuse to stop, or lose those that guard them."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.processes import descendants, eventually, is_running, kill
from wallscan.domain.codes import Code
from wallscan.local.errors import LocalError
from wallscan.local.group import ProcessGroup, Program
from wallscan.local.supervisor import Child, Supervisor, log_end

ROOT = Path(__file__).parents[2]


@pytest.fixture
def group():
    made = ProcessGroup()
    yield made
    made.end()


@pytest.fixture
def supervisor(group):
    made = Supervisor(group)
    yield made
    made.stop(["child"])
    made.close()


def child(script: str, log: Path, name: str = "child", answers=lambda: True, **options) -> Child:
    program = Program(["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"}, log=log)
    return Child(name, program, answers, **options)


def test_a_child_runs_until_it_is_stopped(supervisor, tmp_path):
    supervisor.start([child("exec sleep 60", tmp_path / "log")])
    supervisor.wait(["child"], 30)
    pid = supervisor.pids()["child"]
    assert is_running(pid)
    supervisor.stop(["child"])
    assert not is_running(pid)
    assert supervisor.pids() == {}


def test_a_killed_child_is_started_again(supervisor, tmp_path):
    supervisor.start([child("exec sleep 60", tmp_path / "log")])
    first = supervisor.pids()["child"]
    kill(first)
    eventually(lambda: supervisor.pids().get("child", first) != first)


def test_a_dead_child_has_no_process_id(supervisor, tmp_path):
    supervisor.start([child("exit 7", tmp_path / "log")])
    eventually(lambda: supervisor.pids() == {})


def test_a_crash_loop_is_told_with_the_end_of_the_log(supervisor, tmp_path, caplog):
    supervisor.start([child("echo no such table; exit 7", tmp_path / "log", answers=lambda: False)])
    with pytest.raises(LocalError) as failed, caplog.at_level(logging.WARNING):
        supervisor.wait(["child"], 20)
    assert failed.value.code is Code.SERVER_START_FAILED
    assert "stopped 3 times" in failed.value.detail
    assert "no such table" in failed.value.detail
    assert "ended with status 7" in caplog.text


def test_a_child_that_never_answers_fails_the_start(supervisor, tmp_path):
    supervisor.start([child("echo thinking; exec sleep 60", tmp_path / "log", answers=lambda: False)])
    with pytest.raises(LocalError, match=r"does not answer[\s\S]*thinking"):
        supervisor.wait(["child"], 0.5)


def test_a_child_that_ignores_the_signal_is_killed(supervisor, tmp_path):
    answers = (tmp_path / "deaf").exists
    script = f"trap '' TERM; touch {tmp_path}/deaf; while :; do sleep 0.1; done"
    supervisor.start([child(script, tmp_path / "log", answers=answers, stop_s=0.3)])
    supervisor.wait(["child"], 30)
    pid = supervisor.pids()["child"]
    supervisor.stop(["child"])
    assert not is_running(pid)


def test_a_child_gets_the_signal_it_asked_for(supervisor, tmp_path):
    script = f"trap 'echo int; exit' INT; touch {tmp_path}/set; while :; do sleep 0.05; done"
    answers = (tmp_path / "set").exists
    supervisor.start([child(script, tmp_path / "log", answers=answers, stop_signal=signal.SIGINT, stop_s=30)])
    supervisor.wait(["child"], 30)
    supervisor.stop(["child"])
    assert (tmp_path / "log").read_text() == "int\n"


def test_a_program_that_is_not_there_is_a_crash_loop(supervisor, tmp_path):
    program = Program(["/no/such/program"], log=tmp_path / "log")
    supervisor.start([Child("child", program, lambda: False)])
    with pytest.raises(LocalError, match="No such file"):
        supervisor.wait(["child"], 20)


def test_the_end_of_the_group_takes_what_children_left_behind(supervisor, group, tmp_path):
    script = f"sleep 60 & echo $! > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; wait"
    supervisor.start([child(script, tmp_path / "log", answers=(tmp_path / "pid").exists)])
    supervisor.wait(["child"], 30)
    left = int((tmp_path / "pid").read_text())
    supervisor.stop(["child"])
    assert is_running(left)
    group.end()
    eventually(lambda: not is_running(left))


def test_the_end_of_a_group_that_has_ended_signals_nobody(group, monkeypatch):
    group.end()
    signalled: list[object] = []
    monkeypatch.setattr(os, "killpg", lambda *arguments: signalled.append(arguments))
    group.end()
    assert signalled == []


def test_a_guardian_killed_before_the_first_child_is_replaced(group, supervisor, tmp_path):
    first = group.id
    kill(first)
    eventually(lambda: group.id != first)
    supervisor.start([child("exec sleep 60", tmp_path / "log")])
    assert os.getpgid(supervisor.pids()["child"]) == group.id


def test_a_guardian_that_cannot_be_started_does_not_end_the_watching(
    group, supervisor, tmp_path, monkeypatch
):
    def refused():
        raise BlockingIOError("no process left")

    supervisor.start([child("exec sleep 60", tmp_path / "log")])
    first = supervisor.pids()["child"]
    monkeypatch.setattr(group, "keep_guarded", refused)
    kill(first)
    eventually(lambda: supervisor.pids().get("child", first) != first)


def test_a_log_that_is_gone_is_no_second_fault(tmp_path):
    assert log_end(tmp_path / "log") == "(no log: No such file or directory)"


LAUNCHER = """
import sys, time
from pathlib import Path
from wallscan.local.group import ProcessGroup, Program
from wallscan.local.supervisor import Child, Supervisor, log_end

folder = Path(sys.argv[1])
group = ProcessGroup()
supervisor = Supervisor(group)
script = "trap '' TERM; sleep 60 & wait; wait" if sys.argv[2] == "deaf" else "sleep 60 & wait"
program = Program(["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"}, log=folder / "log")
supervisor.start([Child("child", program, lambda: True)])
print(group.id, flush=True)
time.sleep(60)
"""


@pytest.fixture
def launch(tmp_path):
    """Start a launcher with a child that has a child; gives the launcher, its guardian's id, and all ids."""
    started = []

    def start(kind: str) -> tuple[subprocess.Popen[str], int, set[int]]:
        argv = [sys.executable, "-c", LAUNCHER, str(tmp_path), kind]
        launcher = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        started.append(launcher)
        assert launcher.stdout is not None
        guardian = int(launcher.stdout.readline())
        eventually(lambda: len(descendants(launcher.pid)) == 3)  # guardian, child, grandchild
        return launcher, guardian, descendants(launcher.pid)

    yield start
    for launcher in started:
        launcher.kill()
        launcher.communicate()


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux' /proc")


@needs_proc
@pytest.mark.parametrize("kind", ["polite", "deaf"])
def test_a_killed_launcher_leaves_no_process(launch, kind):
    launcher, _, started = launch(kind)
    launcher.kill()
    eventually(lambda: not any(map(is_running, started)))


@needs_proc
def test_a_guardian_killed_along_with_its_launcher_leaves_no_child(launch):
    launcher, guardian, started = launch("polite")
    child, grandchild = min(started - {guardian}), max(started - {guardian})
    held = os.pidfd_open(grandchild)  # nobody's child soon, it could be gone and its id another's
    kill(guardian)
    launcher.kill()
    eventually(lambda: not is_running(child))
    # Beyond the kernel's help; the servers' own children watch their parents.
    signal.pidfd_send_signal(held, signal.SIGKILL)
    os.close(held)


@needs_proc
def test_a_killed_guardian_is_replaced(launch):
    launcher, guardian, started = launch("polite")
    kill(guardian)
    eventually(lambda: len(descendants(launcher.pid) - {guardian}) == 3)
    started |= descendants(launcher.pid)
    launcher.kill()
    eventually(lambda: not any(map(is_running, started)))
