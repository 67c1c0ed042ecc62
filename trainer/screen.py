"""A run on the screen: a bar with the time left, a line per epoch, and Ctrl-C that loses nothing."""

import math
import signal
from datetime import timedelta
from pathlib import Path
from types import FrameType, TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from trainer.watch import Epoch

_LOG_LINES = 100
"""Of a phase, where there is no terminal."""


class Interrupted(Exception):  # noqa: N818 - asked for, so no error
    """Raised after Ctrl-C, once the checkpoint is saved."""


class Screen:
    """A `Watcher` that shows. The first Ctrl-C saves and ends the run, the second ends it at once; while the
    bundle is published all is saved, and the first ends it at once.

    Where there is no terminal, a line for every hundredth stands for the bar.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), TextColumn("loss {task.fields[loss]:.4f}"),
            console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("Start", total=None, loss=float("nan"))
        self._lines_told = 0
        self._interrupted = self._publishing = False

    def __enter__(self) -> "Screen":
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        signal.signal(signal.SIGINT, self._before)

    def prepared(self, what: str, done: int, total: int) -> None:
        """See `Watcher.prepared`."""
        self._show(what, done, total)

    def taught(self, valid_iou: float) -> None:
        """See `Watcher.taught`."""
        self._console.print(f"teacher: IoU {valid_iou:.4f}")

    def stepped(self, step: int, steps: int, loss: float) -> None:
        """See `Watcher.stepped`."""
        self._show("Train", step, steps, loss)

    def _show(self, what: str, done: int, total: int, loss: float = float("nan")) -> None:
        if self._bar.tasks[0].description != what:  # the time left is reckoned from this phase alone
            self._bar.reset(self._task, description=what, total=total, completed=done)
            self._lines_told = (done - 1) * _LOG_LINES // total
        self._bar.update(self._task, completed=done, total=total, loss=loss)
        if not self._console.is_terminal and done * _LOG_LINES // total > self._lines_told:
            self._lines_told = done * _LOG_LINES // total
            left = self._bar.tasks[0].time_remaining
            self._console.print(
                f"{what} {done}/{total}"
                + ("" if left is None else f", {timedelta(seconds=round(left))} left")
                + ("" if math.isnan(loss) else f", loss {loss:.4f}"),
                highlight=False,
            )

    def epoch_ended(self, epoch: Epoch) -> None:
        """See `Watcher.epoch_ended`."""
        self._console.print(
            f"epoch {epoch.number}: loss {epoch.train_loss:.4f}, held out {epoch.valid_loss:.4f}, "
            f"IoU {epoch.valid_iou:.4f}, {epoch.seconds:.0f} s"
        )

    def saved(self, folder: Path) -> None:  # noqa: ARG002 - the protocol's
        """Raises Interrupted after Ctrl-C."""
        if self._interrupted:
            raise Interrupted

    def cancelled(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._interrupted

    def publishing(self) -> None:
        """See `Watcher.publishing`."""
        self._publishing = True
        self._bar.update(self._task, description="Publish")

    def _interrupt(self, signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal's
        if self._publishing:
            raise Interrupted
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True
        self._console.print("Saving; Ctrl-C again stops at once.")
