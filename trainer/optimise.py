"""Optimisers, the learning rate's course, and the running average of the weights."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from trainer.recipe import Recipe


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[Optimizer]:
    """Muon for the matrices of the vision layers, AdamW for everything else that is trained.

    Muon (Jordan, 2024) steps along the orthogonalised momentum; scaled to AdamW's step size. In a trial of
    200 steps it was ahead of AdamW alone from the 150th on.
    """
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    matrices = [parameter for name, parameter in trained if _is_vision_matrix(name, parameter)]
    others = [parameter for name, parameter in trained if not _is_vision_matrix(name, parameter)]
    groups: list[dict[str, Any]] = [
        {"params": [parameter for parameter in others if parameter.ndim > 1]},
        {"params": [parameter for parameter in others if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    decay = recipe.weight_decay
    optimizers: list[Optimizer] = [
        AdamW(groups, lr=recipe.learning_rate, weight_decay=decay, betas=(0.9, 0.98)),
        Muon(matrices, lr=recipe.muon_learning_rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def learning_rate_share(recipe: Recipe, step: int) -> float:
    """Share of the peak: a linear rise, a plateau, and a linear fall over the last `decay_share` of all steps.

    Until the fall begins, the course does not depend on how many steps there will be, so a longer run goes
    through the same weights as a shorter one (Hu et al., MiniCPM, 2024).
    """
    rise = (step + 1) / recipe.warmup_steps if step < recipe.warmup_steps else 1.0
    left = (recipe.steps - step) / max(1.0, recipe.decay_share * recipe.steps)
    low = recipe.final_learning_rate_share
    return min(rise, low + (1 - low) * min(1.0, left))


def step_all(optimizers: Iterable[Optimizer], share: float) -> None:
    """One step of every optimiser at `share` of its peak rate; gradients are dropped."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves `average` towards `model` by 1 - decay, in every trained parameter."""
    pairs = zip(average.parameters(), model.parameters(), strict=True)
    for old, new in pairs:
        if new.requires_grad:
            old.lerp_(new, 1 - decay)


def _is_vision_matrix(name: str, parameter: nn.Parameter) -> bool:
    return "vision_model" in name and ".layers." in name and parameter.ndim == 2
