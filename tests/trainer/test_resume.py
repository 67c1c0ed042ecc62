"""The real command, killed without warning, ends where an undisturbed one ends."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.trainer.small import small_recipe
from trainer.__main__ import app
from trainer.activations import FOLDER
from trainer.checkpoint import LAST
from trainer.journal import EVENTS
from trainer.teacher import FILE as TAUGHT_BY
from wallscan.models import check_files

ROOT = Path(__file__).parents[2]
STEPS = 24
TEACHER = {
    "stages": [
        {"steps": 20, "size": 32, "batch": 2, "zoom": (0.5, 1.0)},
        {"steps": 10, "size": 40, "batch": 1, "zoom": (0.5, 1.0)},
    ],
    "widths": (8, 16),
}
IN_PRECISION = """
import sys

from trainer import settle
from trainer.__main__ import app

pays = sys.argv.pop(1) == "True"
settle.bf16_pays = lambda _: pays
app()
"""
"""The command on a machine where a trial shows that bf16 pays, or that it does not."""
PATIENCE_S = 60.0


@pytest.fixture
def options(tmp_path, data, base):
    def of(kind, work, **more):
        recipe = tmp_path / f"{work}.json"
        changes = {"kind": kind, "variants": 8, "accumulate": 2, "checkpoint_every": 3, "epoch_steps": 8}
        recipe.write_text(small_recipe(**{"steps": STEPS} | changes | more).model_dump_json())
        given = {
            "--data": data, "--recipe": recipe, "--work": tmp_path / work,
            "--out": tmp_path / f"{work}-bundle",
        } | ({} if kind == "scratch" else {"--base": base})  # fmt: skip
        return ["train", *(str(part) for pair in given.items() for part in pair)]

    return of


def start(options, python=("-m", "trainer")):
    """In a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        [sys.executable, *python, *options], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def until(there, running):
    while not there() and running.poll() is None:
        time.sleep(0.002)


def kill_soon_after(victim, there):
    """SIGKILL at a random moment after `there()` is first true."""
    until(there, victim)
    time.sleep(random.uniform(0.0, 0.3))
    victim.send_signal(signal.SIGKILL)
    victim.wait()


def loaded(folder):
    return torch.load(folder / LAST, weights_only=True)


def same_weights(one, other):
    for part in ("model", "average"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(value, other[part][name]) for name, value in one[part].items())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["scratch", "full", "decoder", "cached"])
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(tmp_path, options, kind):
    more = {"teacher": TEACHER} if kind == "scratch" else {}
    whole = CliRunner().invoke(app, options(kind, "whole", **more))
    assert whole.exit_code == 0, whole.output

    work, killed = tmp_path / "killed", options(kind, "killed", **more)
    if kind == "cached":  # first while activations are computed
        kill_soon_after(start(killed), lambda: any(work.glob(f"{FOLDER}/*/train/states")))
    if kind == "scratch":  # first while the teacher learns
        kill_soon_after(start(killed), (work / TAUGHT_BY).exists)
    kill_soon_after(start(killed), (work / LAST).exists)
    assert loaded(work)["step"] < STEPS

    last = CliRunner().invoke(app, killed)
    assert last.exit_code == 0, last.output
    one, other = loaded(tmp_path / "whole"), loaded(work)
    assert one["step"] == other["step"] == STEPS
    assert one["losses"] == other["losses"] == []
    same_weights(one, other)
    manifests = [check_files(tmp_path / f"{name}-bundle") for name in ("whole", "killed")]
    assert manifests[0].files == manifests[1].files
    assert any("U-Net" in line for line in manifests[0].data) == (kind == "scratch")


@pytest.mark.slow
def test_a_run_in_bf16_goes_on_in_it_whatever_a_trial_shows_by_then(tmp_path, options):
    def begun(work, pays):
        return start([str(pays), *options("scratch", work, bf16=True)], ("-c", IN_PRECISION))

    assert begun("whole", True).wait() == 0
    killed = tmp_path / "killed"
    kill_soon_after(begun("killed", True), (killed / LAST).exists)
    assert loaded(killed)["step"] < STEPS
    assert begun("killed", False).wait() == 0
    same_weights(loaded(tmp_path / "whole"), loaded(killed))
    assert check_files(tmp_path / "killed-bundle").recipe["bf16"] is True

    assert begun("exact", False).wait() == 0
    assert check_files(tmp_path / "exact-bundle").recipe["bf16"] is False
    one, other = loaded(tmp_path / "exact")["model"], loaded(killed)["model"]
    assert not all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["0", "2"])
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, options, processes):
    # Nothing is saved but on Ctrl-C, which all of the terminal's processes get.
    given = options("decoder", "run", steps=100_000, epoch_steps=1_000_000, checkpoint_every=1_000_000)
    running = start([*given, "--processes", processes])
    events = tmp_path / "run" / EVENTS
    until(lambda: any(events.glob("*")) if events.exists() else False, running)
    os.killpg(running.pid, signal.SIGINT)
    _, told = running.communicate()
    assert running.returncode == 130, told
    assert b"The same command goes on from there" in told
    assert loaded(tmp_path / "run")["step"] >= 1
    assert not (tmp_path / "run-bundle").exists()


@pytest.mark.slow
def test_processes_that_draw_frames_end_with_a_run_that_is_killed(tmp_path, options):
    running = start([*options("decoder", "run", steps=100_000), "--processes", "2"])
    until((tmp_path / "run" / LAST).exists, running)
    running.send_signal(signal.SIGKILL)
    running.wait()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGKILL)
    pytest.fail("they go on without it")
