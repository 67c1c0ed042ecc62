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
from wallscan.models import check_files

ROOT = Path(__file__).parents[2]
STEPS = 24


@pytest.fixture
def options(tmp_path, data, base):
    def of(kind, work):
        recipe = tmp_path / "recipe.json"
        changes = {"kind": kind, "variants": 8, "accumulate": 2, "checkpoint_every": 3, "epoch_steps": 8}
        recipe.write_text(small_recipe(steps=STEPS, **changes).model_dump_json())
        given = {
            "--data": data, "--recipe": recipe, "--work": tmp_path / work,
            "--out": tmp_path / f"{work}-bundle",
        } | ({} if kind == "scratch" else {"--base": base})  # fmt: skip
        return ["train", *(str(part) for pair in given.items() for part in pair)]

    return of


def start(options):
    command = [sys.executable, "-m", "trainer", *options]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def kill_soon_after(victim, there):
    """SIGKILL at a random moment after `there()` is first true."""
    while not there() and victim.poll() is None:
        time.sleep(0.002)
    time.sleep(random.uniform(0.0, 0.3))
    victim.send_signal(signal.SIGKILL)
    victim.wait()


def loaded(folder):
    return torch.load(folder / LAST, weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["scratch", "full", "decoder", "cached"])
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(tmp_path, options, kind):
    whole = CliRunner().invoke(app, options(kind, "whole"))
    assert whole.exit_code == 0, whole.output

    work = tmp_path / "killed"
    if kind == "cached":  # first while activations are computed
        kill_soon_after(start(options(kind, "killed")), lambda: any(work.glob(f"{FOLDER}/*/train/states")))
    kill_soon_after(start(options(kind, "killed")), (work / LAST).exists)
    assert loaded(work)["step"] < STEPS

    last = CliRunner().invoke(app, options(kind, "killed"))
    assert last.exit_code == 0, last.output
    one, other = loaded(tmp_path / "whole"), loaded(work)
    assert one["step"] == other["step"] == STEPS
    assert one["losses"] == other["losses"] == []
    for part in ("model", "average"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(value, other[part][name]) for name, value in one[part].items())
    manifests = [check_files(tmp_path / f"{name}-bundle") for name in ("whole", "killed")]
    assert manifests[0].files == manifests[1].files


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, options):
    running = start(options("decoder", "run"))
    while not (tmp_path / "run" / LAST).exists():
        time.sleep(0.002)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate()
    assert running.returncode == 130
    assert b"The same command goes on from there" in told
    assert not (tmp_path / "run-bundle").exists()
