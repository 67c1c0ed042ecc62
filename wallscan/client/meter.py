"""Progress: a bar on a terminal, a line for every tenth elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

Unit = Literal["bytes", "photos", "items", "files", "steps"]
_LINES = 10


class Meter(Protocol):
    """Something that shows how far work has come. Safe to use from many threads; `lock` may be shared."""

    lock: threading.RLock

    def advance(self, amount: float, things: int = 0) -> None:
        """Add to what is done: `amount` of the total, and `things` to the count beside it."""

    def reach(self, amount: float) -> None:
        """Set what is done."""


@contextmanager
def meter(console: Console, title: str, total: float, unit: Unit) -> Iterator[Meter]:
    """Show progress up to `total` while the block runs."""
    if not console.is_terminal:
        yield _Lines(console, title, total, unit)
        return
    amount: ProgressColumn = DownloadColumn() if unit == "bytes" else _counts(unit)
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[things]}"), console=console) as progress:
        yield _Bar(progress, title, total)


def _counts(unit: Unit) -> TextColumn:
    return TextColumn("{task.completed:.0f}/{task.total:.0f} " + unit)


class _Bar:
    def __init__(self, progress: Progress, title: str, total: float) -> None:
        self.lock = threading.RLock()
        self._progress = progress
        self._task = progress.add_task(title, total=total, things="")
        self._things = 0

    def advance(self, amount: float, things: int = 0) -> None:
        with self.lock:
            self._things += things
        shown = f"{self._things} photos" if self._things else ""
        self._progress.update(self._task, advance=amount, things=shown)

    def reach(self, amount: float) -> None:
        self._progress.update(self._task, completed=amount)


class _Lines:
    def __init__(self, console: Console, title: str, total: float, unit: Unit) -> None:
        self.lock = threading.RLock()
        self._console, self._title, self._total, self._unit = console, title, total, unit
        self._done = 0.0
        self._told = -1

    def advance(self, amount: float, things: int = 0) -> None:
        del things  # a line says enough without
        with self.lock:
            self.reach(self._done + amount)

    def reach(self, amount: float) -> None:
        with self.lock:
            self._done = amount
            share = min(self._done / self._total, 1.0) if self._total else 1.0
            if int(share * _LINES) > self._told:
                self._told = int(share * _LINES)
                self._console.print(f"{self._title}: {self._text()}", highlight=False, markup=False)

    def _text(self) -> str:
        if self._unit == "bytes":
            return f"{decimal(int(self._done))} of {decimal(int(self._total))}"
        return f"{self._done:.0f} of {self._total:.0f} {self._unit}"
