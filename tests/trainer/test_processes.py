"""Two processes, as two GPUs would be, learn what one learns."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.trainer.small import small_recipe
from trainer.__main__ import app
from trainer.checkpoint import LAST
from trainer.train import make_accelerator
from wallscan.domain.errors import TrainingError
from wallscan.models import check_files

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["scratch", "cached"])
def test_a_step_is_shared_out_to_processes(tmp_path, data, base, kind):
    recipe = small_recipe(steps=4, kind=kind, accumulate=2, epoch_steps=2, variants=2)
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())

    def options(work):
        given = {"--data": data, "--recipe": tmp_path / "recipe.json", "--work": tmp_path / work}
        given |= {"--out": tmp_path / f"{work}-bundle"} | ({} if kind == "scratch" else {"--base": base})
        return ["train", *(str(part) for pair in given.items() for part in pair)]

    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--module"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, "trainer", *options("two")], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert CliRunner().invoke(app, options("one")).exit_code == 0
    one, two = (torch.load(tmp_path / work / LAST, weights_only=True) for work in ("one", "two"))
    assert two["step"] == 4
    for name, value in one["model"].items():
        torch.testing.assert_close(two["model"][name], value, atol=1e-4, rtol=1e-3)
    check_files(tmp_path / "two-bundle")


def test_a_step_that_cannot_be_shared_out_evenly_is_refused(monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.num_processes", 2)
    with pytest.raises(TrainingError, match="accumulate"):
        make_accelerator(small_recipe(accumulate=3))
