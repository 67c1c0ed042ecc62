"""`python -m trainer train | scratch | bundle`."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import cv2
import torch
import typer
from pydantic import ValidationError
from rich.console import Console
from transformers.utils.logging import disable_progress_bar

from trainer.claim import read_run, require_run
from trainer.commands.data import By, ClassesFile, Data, chosen_classes, tell, write_reports
from trainer.commands.reported import reported
from trainer.data import Classes, Photos, SplitBy, find_leaks, read_photos
from trainer.data.report import Reason
from trainer.fit import fit, left_off, publish_weights, require_base
from trainer.origin import Origin
from trainer.recipe import Recipe, invalid_recipe, shipped_recipe
from trainer.screen import Interrupted, Screen
from trainer.watch import TrainingCancelled
from wallscan.client.sources import default_name, model_folder

Work = Annotated[Path, typer.Option(help="Folder of the run's checkpoint and log; a run there goes on.")]
Out = Annotated[Path, typer.Option(help="The bundle's folder.")]
BaseName = Annotated[
    str | None, typer.Option(help="Hub id (CIDAS/clipseg-rd64-refined), folder or bundle to start from.")
]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit on the hub.")]
RecipeName = Annotated[str, typer.Option(help="full, decoder, cached, starter, or a recipe's JSON file.")]
Change = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change one of the recipe's values.")
]
Name = Annotated[str, typer.Option(help="The model's name.")]
Licence = Annotated[str | None, typer.Option(help="The weights' licence.", show_default="the base's")]
Attribution = Annotated[
    list[str], typer.Option(help="Who is to be named; once or several times. See docs/training.md.")
]
Threads = Annotated[int, typer.Option(help="CPU threads.")]
Processes = Annotated[int, typer.Option(help="Processes that draw frames ahead. The result stays the same.")]

INTERRUPTED = 130
REPORT = "data-report.json"
"""Beside a run's checkpoint: what was read, and what the split gives away."""


def train(
    data: Data,
    work: Work,
    out: Out,
    recipe: RecipeName = "decoder",
    base: BaseName = None,
    revision: Revision = None,
    name: Name = "wallscan/fine-tuned",
    change: Change = [],  # noqa: B006 - typer wants a list
    split: By = SplitBy.OFFICIAL,
    classes: ClassesFile = None,
    licence: Licence = None,
    attribution: Attribution = [],  # noqa: B006 - typer wants a list
    threads: Threads = 1,
    processes: Processes = 0,
    activations: Annotated[
        Path | None,
        typer.Option(help="Where `cached` keeps activations that runs may share.", show_default="in --work"),
    ] = None,
) -> None:
    """Fine-tune a model and publish it. Killed and started again, it goes on."""
    console = Console(stderr=True)
    set_threads(threads)
    try:
        with reported(console), ExitStack() as stack:
            chosen = read_recipe(recipe, change)
            start = None if base is None else stack.enter_context(model_folder(base, revision))
            require_base(chosen, start)
            report_to = None if read_run(work) else work / REPORT  # a run that is refused leaves the other's
            photos = read(data, chosen, console, split, chosen_classes(classes), report_to)
            screen = stack.enter_context(Screen(console))
            origin = _origin(base, licence, attribution)
            manifest = fit(chosen, photos, work, out, name, start, screen, processes, origin, activations)
    except (Interrupted, TrainingCancelled):
        console.print(f"Saved in {work}. The same command goes on from there.", markup=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    print(f"{manifest.name} is in {out}")


def scratch(
    data: Data,
    work: Work,
    out: Out,
    name: Name = "wallscan/starter",
    recipe: RecipeName = "starter",
    split: By = SplitBy.OFFICIAL,
    classes: ClassesFile = None,
    licence: Licence = None,
    attribution: Attribution = [],  # noqa: B006 - typer wants a list
    threads: Threads = 1,
    processes: Processes = 0,
) -> None:
    """Train a compact CLIPSeg from nothing and publish it. Killed and started again, it goes on."""
    train(
        data,
        work,
        out,
        recipe=recipe,
        base=None,
        revision=None,
        name=name,
        change=[],
        split=split,
        classes=classes,
        licence=licence,
        attribution=attribution,
        threads=threads,
        processes=processes,
    )


def bundle(
    data: Data,
    work: Work,
    out: Out,
    name: Name,
    base: BaseName = None,
    revision: Revision = None,
    split: By = SplitBy.OFFICIAL,
    classes: ClassesFile = None,
    licence: Licence = None,
    attribution: Attribution = [],  # noqa: B006 - typer wants a list
    threads: Threads = 1,
    best: Annotated[
        bool, typer.Option("--best", help="The best epoch so far in the place of the latest checkpoint.")
    ] = False,
) -> None:
    """Publish what a run has come to, finished or not; its work folder tells its recipe.

    Give it the data, the split, the classes and the base that the run was started with.
    """
    console = Console(stderr=True)
    set_threads(threads)
    with reported(console), ExitStack() as stack:
        photos = read(data, require_run(work).recipe, console, split, chosen_classes(classes))
        start = None if base is None else stack.enter_context(model_folder(base, revision))
        recipe, progress = left_off(work, photos, start)
        origin = _origin(base, licence, attribution)
        manifest = publish_weights(progress, recipe, photos, work, out, name, start, origin, best=best)
    print(f"{manifest.name}, of step {progress.step} of {recipe.steps}, is in {out}")


def _origin(base: str | None, licence: str | None, attribution: list[str]) -> Origin:
    return Origin(None if base is None else default_name(base), licence, tuple(attribution))


def read_recipe(name: str, changes: list[str] | tuple[str, ...]) -> Recipe:
    """A recipe by its name or file, with `key=value` changes. Raises TrainingError `recipe_invalid`."""
    try:
        file = Path(name)
        is_document = file.suffix == ".json" and file.is_file()
        named = Recipe.model_validate_json(file.read_bytes()) if is_document else shipped_recipe(name)
        plain = named.model_dump(mode="json")
        for key, _, value in (change.partition("=") for change in changes):
            plain[key] = _value(value)
        return Recipe.model_validate(plain)
    except ValidationError as error:
        raise invalid_recipe(error) from error


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def read(
    folders: list[Path],
    recipe: Recipe,
    console: Console,
    by: SplitBy = SplitBy.OFFICIAL,
    classes: Classes | None = None,
    report_to: Path | None = None,
    not_unpacked: Sequence[str] = (),
) -> Photos:
    """The photos of all folders, split; what was left out and what leaks is printed, and written as JSON.

    `not_unpacked`: lines for what never came into the folders. Raises TrainingError `folder_without_photos`.
    """
    photos, report = read_photos(folders, recipe.held_out_share, recipe.seed, by, classes)
    for line in not_unpacked:
        report.note(Reason.NOT_UNPACKED, line)
    leaks = find_leaks([*photos.train, *photos.held_out], photos.valid)
    tell(report, leaks, console)
    if report_to is not None:
        write_reports(report_to, report, leaks)
    return photos


def set_threads(threads: int) -> None:
    """Threads of torch and OpenCV; and no progress bars of other libraries."""
    disable_progress_bar()
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
