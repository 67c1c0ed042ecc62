"""This process's part of a run, which may be one of several."""

from datetime import timedelta

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import parse_flag_from_env

from trainer.recipe import Recipe
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

PATIENCE = timedelta(hours=12)
"""How long processes wait for the one that caches, judges or publishes for all."""


def this_process() -> PartialState:
    """Its device, and its place among the run's processes."""
    return PartialState(cpu=_on_cpu(), timeout=PATIENCE)


def make_accelerator(recipe: Recipe) -> Accelerator:
    """What computes in the recipe's precision, and adds up what the run's processes learn.

    Raises TrainingError `recipe_invalid` where a step cannot be shared out to them.
    """
    this_process()
    # accelerate keeps the precision for the process's life; a trainer's process sees many runs.
    AcceleratorState._reset_state()  # noqa: SLF001
    accelerator = Accelerator(cpu=_on_cpu(), mixed_precision="bf16" if recipe.bf16 else "no")
    if recipe.accumulate % accelerator.num_processes:
        raise TrainingError(
            Code.RECIPE_INVALID,
            f"a step's {recipe.accumulate} batches (accumulate) cannot be shared out evenly to "
            f"{accelerator.num_processes} processes",
        )
    return accelerator


def agreed(wish: bool, accelerator: Accelerator) -> bool:
    """Whether any of the run's processes wishes it."""
    if wish:
        accelerator.set_trigger()
    return bool(accelerator.check_trigger())


def _on_cpu() -> bool:
    # Without a GPU several processes work together only if it is told so: else each trains by itself.
    return bool(parse_flag_from_env("ACCELERATE_USE_CPU")) or not torch.accelerator.is_available()
