"""`wallscan train` and `wallscan trainings`: order a training, see what becomes of it."""

import json
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import yaml

from wallscan.client.connect import connected, is_private
from wallscan.client.data_report import report_lines
from wallscan.client.errors import InputError, asked
from wallscan.client.exits import DONE, SYSTEM_FAILED
from wallscan.client.http import Client
from wallscan.client.meter import meter
from wallscan.client.screen import Screen, listing, open_screen, plain
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import TrainingState
from wallscan.domain.splits import SplitBy
from wallscan.wire.trainings import NewTraining, Training, TrainingDetail, TrainingEpoch

_FROM_A_BASE = ("full", "decoder", "cached")
"""Kinds of recipes that start from a model; those of a name that are shipped have the name of their kind."""

app = typer.Typer(no_args_is_help=True, help="List, show and cancel trainings.")
TrainingArgument = Annotated[UUID, typer.Argument(metavar="TRAINING", help="Id of the training.")]


def train(
    dataset: Annotated[
        list[UUID], typer.Option(help="Id of a data set to learn from; may be given several times.")
    ],
    name: Annotated[str, typer.Option(help="The model's name.")],
    recipe: Annotated[
        str, typer.Option(help="full, decoder, cached, starter, or a recipe's JSON file.")
    ] = "decoder",
    base: Annotated[
        str | None,
        typer.Option(
            help="Model version to start from: id, digest or name. All recipes but starter need one.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="In the place of the recipe's.")] = None,
    split: Annotated[
        SplitBy,
        typer.Option(help="As the folders say, or all photos pooled and split by source or by scene."),
    ] = SplitBy.OFFICIAL,
    classes: Annotated[
        Path | None, typer.Option(help="YAML or JSON: which classes and phrasings mean which family.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="The weights' licence.", show_default="the base's")
    ] = None,
    attribution: Annotated[list[str], typer.Option(help="Who is to be named; once or several times.")] = [],  # noqa: B006 - typer wants a list
    watch: Annotated[bool, typer.Option("--watch", help="Wait for the training to end.")] = False,
) -> None:
    """Order a training. Its model is added once it is done; it serves where it is activated.

    Without --watch it goes on by itself: `wallscan trainings show` tells how far it is. On a private stack it
    goes on while `wallscan trainings show --wait` runs. Ends with 0, with 1 where the training failed.
    """
    screen = open_screen()
    order = asked(
        NewTraining,
        name=name,
        recipe=_read_recipe(recipe),
        dataset_ids=dataset,
        base=base,
        seed=seed,
        split=split,
        classes=None if classes is None else _read_classes(classes),
        licence=licence,
        attribution=attribution,
    )
    _require_base(order)
    with connected(screen, trainer=watch) as client:
        training: Training = client.order_training(order)
        screen.result(f"Training {training.id}: {training.state}")
        if watch:
            training = _watched(client, training.id, screen)
            _show(screen, training)
        else:
            screen.say(_how_it_goes_on(training.id))
    raise typer.Exit(_exit_code(training))


@app.command("list")
def list_trainings() -> None:
    """List all trainings."""
    screen = open_screen()
    table = listing("Name", "Recipe", "State", "Done", "Ordered", "Id")
    with connected(screen) as client:
        for training in client.trainings():
            state = training.state if training.code is None else f"{training.state} [{training.code}]"
            table.add_row(
                plain(training.name),
                training.recipe_name or "its own",
                plain(state),
                f"{training.percent:.0f} %",
                f"{training.created_at:%Y-%m-%d %H:%M}",
                str(training.id),
            )
    screen.out.print(table)


@app.command()
def show(
    training: TrainingArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the training to end.")] = False,
) -> None:
    """Show a training: its state, what its data came to, its epochs, the model that came of it.

    Ends with 0, with 1 where the training failed.
    """
    screen = open_screen()
    with connected(screen, trainer=wait) as client:
        state = _watched(client, training, screen) if wait else client.training(training)
    _show(screen, state)
    raise typer.Exit(_exit_code(state))


@app.command()
def cancel(training: TrainingArgument) -> None:
    """Stop a training. What its best epoch so far came to is added as a model version."""
    screen = open_screen()
    with connected(screen) as client:
        state = client.cancel_training(training)
    screen.result(f"Training {state.id}: {state.state}")


def _read_recipe(recipe: str) -> str | dict[str, Any]:
    """The name, or what the `.json` file holds. Raises InputError `recipe_invalid`."""
    if not recipe.endswith(".json"):
        return recipe
    try:
        read = json.loads(Path(recipe).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(Code.RECIPE_INVALID, f"{recipe}: {error}") from error
    if not isinstance(read, dict):
        raise InputError(Code.RECIPE_INVALID, f"{recipe} holds no recipe")
    return read


def _require_base(order: NewTraining) -> None:
    """Raises InputError `recipe_invalid` where the trainer would, before anything is started for it."""
    kind = order.recipe if isinstance(order.recipe, str) else order.recipe.get("kind")
    if order.base is None and kind in _FROM_A_BASE:
        raise InputError(Code.RECIPE_INVALID, f"the recipe {kind!r} needs a model to start from: --base")


def _read_classes(path: Path) -> dict[str, Any]:
    """What the file holds; the trainer judges it. Raises InputError `classes_invalid`."""
    try:
        read = yaml.safe_load(path.read_bytes())  # JSON is YAML, too
    except (OSError, yaml.YAMLError, RecursionError) as error:
        raise InputError(Code.CLASSES_INVALID, f"{path}: {error}") from error
    if not isinstance(read, dict):
        raise InputError(Code.CLASSES_INVALID, f"{path} holds no families")
    return read


def _watched(client: Client, training_id: UUID, screen: Screen) -> TrainingDetail:
    """Show a training's progress until it ends. After Ctrl-C, tell how the training goes on."""
    told = 0
    try:
        for (title, total), states in groupby(client.watch_training(training_id), _part):
            with meter(screen.err, title, total, "steps") if title else nullcontext() as progress:
                for training in states:
                    if progress is not None:
                        ahead = training.preparation
                        progress.reach(training.step if ahead is None else ahead.done)
                    for epoch in training.epochs[told:]:
                        screen.say(_line(epoch))
                    told = len(training.epochs)
    except KeyboardInterrupt:
        screen.say(_how_it_goes_on(training_id))
        raise
    return training


def _part(training: TrainingDetail) -> tuple[str, int]:
    """What is going on, and how many steps that has; nothing before a trainer begins."""
    if training.preparation is not None:
        return training.preparation.what, training.preparation.total
    return ("", 0) if training.steps is None else ("Training", training.steps)


def _how_it_goes_on(training_id: UUID) -> str:
    if is_private():
        return f"It goes on when `wallscan trainings show {training_id} --wait` runs."
    return f"The training goes on: wallscan trainings show {training_id}"


def _show(screen: Screen, training: Training) -> None:
    left = "" if training.eta_s is None else f", about {training.eta_s:.0f} s left"
    if training.preparation is not None:
        left = ", {what} {done} of {total}".format(**training.preparation.model_dump())
    steps = "" if training.steps is None else f", step {training.step} of {training.steps}"
    screen.result(f"Training {training.id}, {training.name}: {training.state}{steps}{left}")
    if isinstance(training, TrainingDetail):
        for line in report_lines(training.data_report) if training.data_report else ():
            screen.result(line)
        for epoch in training.epochs:
            screen.result(f"  {_line(epoch)}")
    if training.model_id is not None:
        screen.result(f"Model {training.name} ({training.model_id})")
    if training.code is not None:
        screen.say(f"{training.detail} [{training.code}]")


def _line(epoch: TrainingEpoch) -> str:
    return (
        f"epoch {epoch.number}, step {epoch.step}: loss {_number(epoch.train_loss)}; held out "
        f"{_number(epoch.valid_loss)}, IoU {_number(epoch.valid_iou)}"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _exit_code(training: Training) -> int:
    return SYSTEM_FAILED if training.state is TrainingState.FAILED else DONE
