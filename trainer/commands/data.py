"""`python -m trainer data`, and the options by which all commands take photos."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trainer.commands.reported import reported
from trainer.data import (
    Classes,
    DataReport,
    LeakReport,
    Sample,
    SplitBy,
    default_classes,
    find_leaks,
    read_classes,
    read_samples,
)
from trainer.data import parts as split_parts
from trainer.phrases import FAMILIES
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

Data = Annotated[list[Path], typer.Option(help="A data set's folder; may be given several times.")]
By = Annotated[
    SplitBy,
    typer.Option("--split", help="As the folders say, or all photos pooled and split by source or by scene."),
]
ClassesFile = Annotated[
    Path | None, typer.Option("--classes", help="YAML: which classes and phrasings mean which family.")
]


def data(
    data: Data,
    out: Annotated[Path | None, typer.Option("--json", help="Where both reports go.")] = None,
    split: By = SplitBy.OFFICIAL,
    classes: ClassesFile = None,
) -> None:
    """Say what is read, what is left out and why, and what a split gives away. Nothing is trained."""
    console = Console(stderr=True)
    with reported(console):
        samples, report = read_samples(data, chosen_classes(classes))
    leaks = leaks_of(samples, split)
    for line in (*report.lines(), *leaks.lines()):
        print(line)
    if out is not None:
        write_reports(out, report, leaks)


def chosen_classes(file: Path | None) -> Classes:
    """The mapping in a file, or the shipped one.

    Raises TrainingError `classes_invalid`, also for a family that frames cannot be made of.
    """
    if file is None:
        return default_classes()
    classes = read_classes(file)
    if strange := sorted(classes.families.keys() - FAMILIES.keys()):
        known = ", ".join(FAMILIES)
        raise TrainingError(Code.CLASSES_INVALID, f"{file.name}: {strange[0]!r} is none of {known}")
    return classes


def leaks_of(samples: Sequence[Sample], by: SplitBy) -> LeakReport:
    """The leaks between the parts of a split."""
    split = split_parts(samples, by)
    return find_leaks(split.get("train", ()), split.get("valid", ()))


def tell(report: DataReport, leaks: LeakReport, console: Console) -> None:
    """Print both reports for people."""
    for line in (*report.lines(), *leaks.lines()):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def write_reports(path: Path, report: DataReport, leaks: LeakReport) -> None:
    """Write both reports as one JSON file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"data": report.document(), "leaks": leaks.document()}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
