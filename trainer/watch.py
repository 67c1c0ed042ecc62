"""What a run tells whoever started it, and how it is asked to stop."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training photos: its number from 1, and what the held-out photos said after it.

    `step` counts the optimiser's steps that are done. `valid_loss` (BCE) and `valid_iou` (mean foreground IoU
    at 0.5, at the model's input size) are those of the held-out photos; `seconds` is the time since the last
    epoch.
    """

    number: int
    step: int
    train_loss: float
    valid_loss: float
    valid_iou: float
    learning_rate: float
    seconds: float


class TrainingCancelled(Exception):  # noqa: N818 - asked for, so no error
    """Raised when a run was cancelled before it had anything to publish. What it has is kept."""


class Watcher(Protocol):
    """Called between steps, in the training process; what it raises ends the run."""

    def prepared(self, what: str, done: int, total: int) -> None:
        """Before the first step: of `total` frames to cache, or steps of the teacher, `done` are done."""

    def taught(self, valid_iou: float) -> None:
        """The teacher has learnt; its mean foreground IoU on the photos held out, as an `Epoch`'s."""

    def stepped(self, step: int, steps: int, loss: float) -> None:
        """Step number `step` of `steps` is done."""

    def epoch_ended(self, epoch: Epoch) -> None:
        """An epoch is done. A run that goes on after a kill may tell its latest epochs again."""

    def saved(self, folder: Path) -> None:
        """A complete checkpoint lies in `folder`."""

    def cancelled(self) -> bool:
        """Whether to stop; the loop then saves and returns."""

    def publishing(self) -> None:
        """The loop has ended, its last checkpoint is saved; gates are fitted and the bundle is written."""


class Unwatched:
    """A watcher that looks away."""

    def prepared(self, what: str, done: int, total: int) -> None:
        """See `Watcher.prepared`."""

    def taught(self, valid_iou: float) -> None:
        """See `Watcher.taught`."""

    def stepped(self, step: int, steps: int, loss: float) -> None:
        """See `Watcher.stepped`."""

    def epoch_ended(self, epoch: Epoch) -> None:
        """See `Watcher.epoch_ended`."""

    def saved(self, folder: Path) -> None:
        """See `Watcher.saved`."""

    def cancelled(self) -> bool:
        """Never."""
        return False

    def publishing(self) -> None:
        """See `Watcher.publishing`."""
