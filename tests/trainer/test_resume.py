import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.trainer.data import write_data
from tests.trainer.small import small_recipe
from trainer.checkpoint import FILE_NAME
from wallscan.models import check_files, starter_bundle

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(tmp_path):
    write_data(tmp_path / "data", count=4)
    (tmp_path / "recipe.json").write_text(small_recipe(steps=16).model_dump_json())

    def of(work):
        options = {
            "--data": tmp_path / "data", "--recipe": tmp_path / "recipe.json", "--work": tmp_path / work,
            "--out": tmp_path / f"{work}-bundle", "--tokenizer": starter_bundle(),
        }  # fmt: skip
        return [
            sys.executable,
            "-m",
            "trainer",
            "scratch",
            *(str(part) for pair in options.items() for part in pair),
        ]

    return of


def start(command):
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE
    )


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(tmp_path, command):
    assert start(command("whole")).wait() == 0

    victim = start(command("killed"))
    checkpoint = tmp_path / "killed" / FILE_NAME
    while not checkpoint.exists() and victim.poll() is None:
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert torch.load(checkpoint, weights_only=True)["step"] < 16

    assert start(command("killed")).wait() == 0
    whole, killed = (
        torch.load(tmp_path / work / FILE_NAME, weights_only=True) for work in ("whole", "killed")
    )
    assert whole["step"] == killed["step"] == 16
    for part in ("model", "average"):
        assert all(torch.equal(value, killed[part][name]) for name, value in whole[part].items())
    manifests = [check_files(tmp_path / f"{work}-bundle") for work in ("whole", "killed")]
    assert manifests[0].files == manifests[1].files
    assert manifests[0].recipe["stages"][0]["steps"] == 16
