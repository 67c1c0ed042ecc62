"""Checkpoints: all that a run needs to go on as if it had never been stopped."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainer.network import Network
from trainer.optimise import make_optimizers, trained_parameters
from trainer.recipe import Recipe
from trainer.watch import Epoch
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

LAST = "checkpoint.pt"
BEST = "best.pt"


@dataclass(slots=True)
class Progress:
    """Everything that changes while training. `step` counts the steps that are done.

    `average` holds the running average of each trained parameter, or nothing where none is kept. `losses` are
    those of the steps since the last epoch ended.
    """

    network: Network
    optimizers: list[Optimizer]
    average: dict[str, Tensor]
    step: int = 0
    losses: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    @classmethod
    def begin(cls, network: Network, recipe: Recipe) -> "Progress":
        """A run at its first step, on the device the network is on."""
        trained = trained_parameters(network) if recipe.average_decay else ()
        average = {name: parameter.detach().clone() for name, parameter in trained}
        return cls(network, make_optimizers(network, recipe), average)

    @property
    def best(self) -> Epoch | None:
        """The first epoch with the highest held-out IoU."""
        return max(self.epochs, key=lambda epoch: epoch.valid_iou, default=None)

    def ended(self, recipe: Recipe) -> bool:
        """Whether all steps are done, or the held-out IoU has not risen for the recipe's patience."""
        best, waited = self.best, recipe.patience
        stale = best is not None and waited is not None and len(self.epochs) - best.number >= waited
        return stale or self.step >= recipe.steps

    def end_epoch(
        self, *, valid_loss: float, valid_iou: float, learning_rate: float, seconds: float
    ) -> Epoch:
        """The epoch that ends with the latest step, noted."""
        epoch = Epoch(
            number=len(self.epochs) + 1,
            step=self.step,
            train_loss=sum(self.losses) / len(self.losses),
            valid_loss=valid_loss,
            valid_iou=valid_iou,
            learning_rate=learning_rate,
            seconds=seconds,
        )
        self.epochs.append(epoch)
        self.losses.clear()
        return epoch

    @contextmanager
    def averaged(self) -> Iterator[Network]:
        """The network with the averaged weights, in evaluation mode, while the block runs."""
        self._swap()
        self.network.eval()
        try:
            yield self.network
        finally:
            self.network.train()
            self._swap()

    def _swap(self) -> None:
        parameters = dict(self.network.named_parameters())
        for name, old in self.average.items():
            self.average[name], parameters[name].data = parameters[name].data, old

    def save(self, folder: Path) -> None:
        """Write to `folder`; a kill at any moment leaves the old checkpoint or the new one."""
        state = {
            "step": self.step,
            "losses": self.losses,
            "epochs": [dataclasses.astuple(epoch) for epoch in self.epochs],
            "model": self._weights(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        write(folder / LAST, state)

    def save_best(self, folder: Path) -> None:
        """Write the weights that are published if no later epoch is better."""
        write(folder / BEST, {"step": self.step, "model": self._weights() | self.average})

    def restore(self, folder: Path) -> None:
        """Go on from `folder`'s checkpoint; without one, nothing changes.

        Raises TrainingError `work_folder_taken` when it is of another kind of run.
        """
        if not (folder / LAST).is_file():
            return
        state = torch.load(folder / LAST, weights_only=True, map_location="cpu")
        self._load(state["model"])
        for name, value in self.average.items():
            value.copy_(state["average"][name])
        if self.optimizers:  # none where nothing more is trained
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
        self.step, self.losses = state["step"], state["losses"]
        self.epochs = [Epoch(*values) for values in state["epochs"]]

    def restore_best(self, folder: Path) -> None:
        """Give the network the weights of its best epoch for good."""
        state = torch.load(folder / BEST, weights_only=True, map_location="cpu")
        self._load(state["model"])
        self.step = state["step"]

    def keep_average(self) -> None:
        """Give the network its averaged weights for good."""
        self._swap()

    def _weights(self) -> dict[str, Tensor]:
        """What learns, and what has learnt before."""
        return {name: parameter.detach() for name, parameter in self.network.changed_parameters()}

    @torch.no_grad()
    def _load(self, weights: Mapping[str, Tensor]) -> None:
        trained = self._weights()
        if trained.keys() != weights.keys():
            raise TrainingError(
                Code.WORK_FOLDER_TAKEN, "the work folder holds a run that trains other weights"
            )
        for name, parameter in trained.items():
            parameter.copy_(weights[name])


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Save to `path`, whole or not at all, and surely once this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
