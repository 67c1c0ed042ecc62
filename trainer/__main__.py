"""`python -m trainer`: train from nothing, publish a checkpoint, evaluate a bundle."""

import json
from pathlib import Path
from typing import Annotated

import cv2
import torch
import typer
from transformers import CLIPTokenizer
from transformers.utils.logging import disable_progress_bar

from trainer.checkpoint import Progress
from trainer.data import DataReport, Photos, read_folders, read_photos
from trainer.evaluation.judge import evaluate as judge_all
from trainer.evaluation.judge import report, rows
from trainer.publish import publish
from trainer.recipe import RECIPES, Recipe
from trainer.train import start, train
from wallscan.models.starter import starter_bundle
from wallscan.segment.bundle import check_bundle

STARTER = starter_bundle()
app = typer.Typer(no_args_is_help=True, help="Train and evaluate wallscan's models.")
Data = Annotated[Path, typer.Option(help="Folder with <kind>/train and <kind>/valid, photos beside VOC XML.")]
Work = Annotated[Path, typer.Option(help="Folder of the run's checkpoint and log; a run there goes on.")]
Out = Annotated[Path, typer.Option(help="The bundle's folder.")]
RecipeFile = Annotated[Path, typer.Option(help="Hyper-parameters as JSON.")]
Name = Annotated[str, typer.Option(help="The model's name.")]
Tokenizer = Annotated[Path, typer.Option(help="Folder with a CLIP tokenizer.")]
Threads = Annotated[int, typer.Option(help="CPU threads.")]


@app.command()
def scratch(
    data: Data,
    work: Work,
    out: Out,
    name: Name = "wallscan/starter",
    recipe: RecipeFile = RECIPES / "starter.json",
    tokenizer: Tokenizer = STARTER,
    threads: Threads = 1,
) -> None:
    """Train a compact CLIPSeg from nothing and publish it. Killed and started again, it goes on."""
    _set_threads(threads)
    chosen, words = _recipe(recipe), CLIPTokenizer.from_pretrained(tokenizer)
    photos = _photos(data, chosen)
    model = train(photos.train, chosen, words, work)
    publish(model, words, chosen, photos, out, name)


@app.command()
def bundle(
    data: Data,
    work: Work,
    out: Out,
    name: Name = "wallscan/starter",
    recipe: RecipeFile = RECIPES / "starter.json",
    tokenizer: Tokenizer = STARTER,
    threads: Threads = 1,
) -> None:
    """Publish the latest checkpoint of a run, finished or not."""
    _set_threads(threads)
    chosen, words = _recipe(recipe), CLIPTokenizer.from_pretrained(tokenizer)
    progress: Progress = start(chosen)
    progress.restore(work)
    print(f"checkpoint of step {progress.step} of {chosen.steps}")
    publish(progress.average.eval(), words, chosen, _photos(data, chosen), out, name)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Option(help="A bundle's folder.")],
    data: Data,
    out: Annotated[Path, typer.Option("--json", help="Where the summary and the rows per photo go.")],
    split: Annotated[str, typer.Option(help="Name of the split's folders.")] = "valid",
    threads: Threads = 1,
) -> None:
    """Overlap with the truth per photo, and how often wrong prompts fire."""
    _set_threads(threads)
    samples, skipped = read_folders(data, split)
    _tell(skipped)
    judged = judge_all(check_bundle(model), samples)
    document = {"split": split, "summary": report(judged), "photos": rows(judged)}
    out.write_text(json.dumps(document, indent=2), encoding="utf-8")
    print(json.dumps(document["summary"], indent=2))


def _recipe(path: Path) -> Recipe:
    return Recipe.model_validate_json(path.read_bytes())


def _photos(data: Path, recipe: Recipe) -> Photos:
    photos, found = read_photos(data, recipe.held_out_share, recipe.seed)
    _tell(found)
    return photos


def _tell(found: DataReport) -> None:
    for line in found.skipped:
        print(f"left out: {line}")


def _set_threads(threads: int) -> None:
    disable_progress_bar()
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


if __name__ == "__main__":
    app()
