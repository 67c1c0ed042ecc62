"""What a person sees: results on standard output, everything else on standard error."""

import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wallscan.client.exits import DONE, SOME_FAILED, SYSTEM_FAILED
from wallscan.client.scan import Folder
from wallscan.client.upload import Refusal
from wallscan.domain.lifecycle import RUN_ENDED, RunState
from wallscan.wire.report import PhotoRow, Report, WallRow
from wallscan.wire.runs import Run

_PIPED_WIDTH = 140
_LISTED_IGNORED = 10
_ID_CHARS = 36
_WAITING = frozenset({"queued", "running"})
_LATER = "not_in_run"
_NO_FAILURE = _WAITING | {_LATER}


@dataclass(frozen=True, slots=True)
class Screen:
    """The two consoles of a command."""

    out: Console
    err: Console

    def say(self, text: str) -> None:
        """A line for a person, on standard error, with whatever names are in it shown as they are."""
        self.err.print(plain(text), soft_wrap=True)

    def result(self, text: str) -> None:
        """A line of the result, on standard output."""
        self.out.print(plain(text), soft_wrap=True)


def open_screen() -> Screen:
    """Consoles as wide as their terminal, and wide enough for a table where there is none."""
    return Screen(
        Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH),
        Console(stderr=True, width=None if sys.stderr.isatty() else _PIPED_WIDTH),
    )


def plain(text: str) -> Text:
    """Text that neither rich nor the terminal takes for commands, whatever a file is called."""
    return Text("".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text))


def _folding(headings: Sequence[str], title: str | None = None) -> Table:
    """A table that cuts nothing off, however narrow the terminal."""
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def listing(*headings: str) -> Table:
    """A table that cuts nothing off; its last column has ids, in one piece."""
    table = _folding(headings[:-1])
    table.add_column(headings[-1], no_wrap=True, min_width=_ID_CHARS)
    return table


def show_folder(screen: Screen, folder: Folder) -> None:
    """Tell what a scan found and what it left."""
    screen.say(f"{len(folder.found)} photos found")
    for path, reason in sorted(folder.ignored.items())[:_LISTED_IGNORED]:
        screen.say(f"  ignored: {path} ({reason})")
    if len(folder.ignored) > _LISTED_IGNORED:
        kinds = ", ".join(f"{count} {kind}" for kind, count in folder.ignored_kinds().most_common())
        screen.say(f"  ignored in all: {len(folder.ignored)} ({kinds})")
    for path in folder.unreadable:
        screen.say(f"  cannot be looked into: {path}")
    if folder.clutter:
        screen.say(f"  hidden files and clutter passed over: {folder.clutter}")


def show_refusals(screen: Screen, refusals: Sequence[Refusal]) -> None:
    """List every photo that could not be analysed, with code and reason."""
    if not refusals:
        return
    table = _folding(("Not analysed", "Code", "Reason"), f"{len(refusals)} photos could not be analysed")
    for refusal in sorted(refusals, key=lambda refusal: refusal.path):
        table.add_row(plain(refusal.path), refusal.code, plain(refusal.detail))
    screen.out.print(table)


def refusals_of(report: Report) -> list[Refusal]:
    """The photos of a report that failed or were cancelled, each once."""
    return [
        Refusal(row.photo, row.code or row.status, row.detail or "")
        for row, fate in _without_result(report)
        if fate not in _NO_FAILURE
    ]


def _without_result(report: Report) -> list[tuple[PhotoRow, str]]:
    """Each photo without a result, once, and what became of it: a copy shares the fate of its first."""
    rows = {row.photo: row for row in reversed(report.photos) if row.mask_sha256 is None}
    ended = report.run.state in RUN_ENDED
    return [(row, _fate(rows.get(row.duplicate_of or row.photo, row), ended)) for row in rows.values()]


def _fate(row: PhotoRow, run_ended: bool) -> str:
    # A wall's report lacks the first of a copy on another wall; a first that failed gives its copies a code.
    waits = row.status == "duplicate" and row.code is None and not run_ended
    return "queued" if waits else row.status


def show_outcome(screen: Screen, report: Report, refusals: Sequence[Refusal] = ()) -> int:
    """Show the per-wall table and what is not in it; the exit code that says the same.

    `refusals` are those that the report cannot know, since the photos never reached the server.
    """
    show_report(screen, report)
    # The server spells paths in NFC, whatever the disk does: the same photo must not fail twice.
    everywhere = (*refusals, *refusals_of(report))
    found = {unicodedata.normalize("NFC", refusal.path): refusal for refusal in everywhere}
    show_refusals(screen, list(found.values()))
    _show_waiting(screen, report)
    if report.run.state == RunState.FAILED:
        return SYSTEM_FAILED
    return SOME_FAILED if found else DONE


def _show_waiting(screen: Screen, report: Report) -> None:
    fates = [fate for _, fate in _without_result(report)]
    waiting, later = sum(fate in _WAITING for fate in fates), fates.count(_LATER)
    if waiting or later:
        screen.result(f"{waiting} photos still wait, {later} were handed in later")


def show_report(screen: Screen, report: Report) -> None:
    """The per-wall table: coverage of each prompt in per cent of what the report counts (`basis`)."""
    counted = "photographed and wall area" if report.basis == "mixed" else report.basis
    caption = plain(f"% of {counted}; model {report.run.model}")
    table = Table(title=plain(f"{report.site} · {report.inspection}"), caption=caption)
    table.add_column("Wall", overflow="fold")
    for heading in ("Photos", "Counted", "Failed"):
        table.add_column(heading, justify="right")
    for prompt in report.run.prompts:
        table.add_column(plain(f"{prompt} %"), justify="right")
        table.add_column("in photos", justify="right")
    for rows in _by_wall(report):
        first = next(iter(rows.values()))
        counts = (first.photos, first.photos_counted, first.photos_failed)
        cells = [cell for prompt in report.run.prompts for cell in _cells(rows.get(prompt))]
        table.add_row(plain(first.wall), *map(str, counts), *cells)
    screen.out.print(table)
    show_unfamiliar(screen.result, report.run.unfamiliar_prompts)


def show_unfamiliar(say: Callable[[str], None], prompts: Sequence[str]) -> None:
    """Name prompts that the model was never fitted for: neither a find nor an empty mask says much then."""
    if prompts:
        named = ", ".join(f'"{prompt}"' for prompt in prompts)
        say(f"No gate or threshold was fitted for {named}: what is marked, or is not, says little by itself")


def _by_wall(report: Report) -> list[dict[str, WallRow]]:
    walls: dict[str, dict[str, WallRow]] = {}
    for row in report.walls:
        walls.setdefault(row.wall, {})[row.prompt] = row
    return list(walls.values())


def _cells(row: WallRow | None) -> tuple[str, str]:
    if row is None or row.coverage_pct is None:
        return "-", "-"
    return f"{row.coverage_pct:.2f}", f"{row.photos_with_finding}/{row.photos_counted}"


def show_run(screen: Screen, run: Run) -> None:
    """A run's state, counts, pace and first failures."""
    counts = run.counts
    left = f", about {run.eta_s:.0f} s left" if run.eta_s is not None and run.state not in RUN_ENDED else ""
    screen.result(f"Run {run.id}: {run.state}, {run.percent:.0f} %{left}")
    screen.result(f"Model {run.model}; prompts: {', '.join(run.prompts)}")
    show_unfamiliar(screen.result, run.unfamiliar_prompts)
    screen.result(
        f"{run.items} results of {run.photos} photos: {counts.succeeded} there, {counts.running} under way, "
        f"{counts.queued} waiting, {counts.failed} failed, {counts.cancelled} cancelled"
    )
    for error in run.errors:
        screen.result(f"  {error.path}: {error.detail or ''} [{error.code}]")
