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
from wallscan.models import check_files

ROOT = Path(__file__).parents[2]


LAUNCH = [
    *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
    *("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--module", "trainer"),
]
"""`accelerate launch --cpu` starts one process, whatever it is told: what it calls for GPUs starts two."""


def arguments(tmp_path, data, base, kind, work, accumulate):
    """Those of `trainer train` for a run of four steps in a folder of its own."""
    recipe = small_recipe(steps=4, kind=kind, accumulate=accumulate, epoch_steps=2, variants=2)
    (tmp_path / f"{work}.json").write_text(recipe.model_dump_json())
    given = {"--data": data, "--recipe": tmp_path / f"{work}.json", "--work": tmp_path / work}
    given |= {"--out": tmp_path / f"{work}-bundle"} | ({} if kind == "scratch" else {"--base": base})
    return ["train", *(str(part) for pair in given.items() for part in pair)]


def launched(arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1"}
    return subprocess.run(
        [*LAUNCH, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["scratch", "cached"])
def test_a_step_is_shared_out_to_processes(tmp_path, data, base, kind):
    done = launched(arguments(tmp_path, data, base, kind, "two", 2))
    assert done.returncode == 0, done.stderr
    assert CliRunner().invoke(app, arguments(tmp_path, data, base, kind, "one", 2)).exit_code == 0
    one, two = (torch.load(tmp_path / work / LAST, weights_only=True) for work in ("one", "two"))
    assert two["step"] == 4
    for name, value in one["model"].items():
        torch.testing.assert_close(two["model"][name], value, atol=1e-4, rtol=1e-3)
    check_files(tmp_path / "two-bundle")


@pytest.mark.slow
def test_a_step_that_cannot_be_shared_out_evenly_is_refused(tmp_path, data, base):
    done = launched(arguments(tmp_path, data, base, "scratch", "uneven", 3))
    assert done.returncode != 0
    assert "3 batches (accumulate) cannot be shared out evenly to 2 processes" in " ".join(
        done.stderr.split()
    )
