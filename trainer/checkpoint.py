"""Checkpoints: all that a run needs to go on as if it had never been stopped."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer

FILE_NAME = "checkpoint.pt"


@dataclass(slots=True)
class Progress:
    """Everything that changes while training. `step` counts the steps that are done."""

    model: nn.Module
    average: nn.Module
    optimizers: list[Optimizer]
    step: int = 0

    def save(self, folder: Path) -> None:
        """Write to `folder`; a kill at any moment leaves the old checkpoint or the new one."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{FILE_NAME}.new"
        torch.save(state, temporary)
        temporary.replace(folder / FILE_NAME)

    def restore(self, folder: Path) -> None:
        """Go on from `folder`'s checkpoint; without one, nothing changes."""
        if not (folder / FILE_NAME).is_file():
            return
        state = torch.load(folder / FILE_NAME, weights_only=True)
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
