"""`python -m trainer evaluate`."""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from trainer.commands.train import Data, Threads, set_threads
from trainer.data import DataReport, Sample, read_folders
from trainer.evaluation.document import document
from trainer.evaluation.judge import EVERYTHING, judge
from trainer.evaluation.markdown import honest_markdown, markdown, silence_markdown
from trainer.evaluation.pictures import write_sheets
from trainer.evaluation.ways import FlipAveraged
from wallscan.client.sources import default_name, model_folder
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError, WallscanError
from wallscan.models.folder import packed
from wallscan.models.manifest import bundle_digest
from wallscan.segment.engine import Engine, load_engine


class Tta(StrEnum):
    """What a photo is averaged over."""

    NONE = "none"
    FLIP = "flip"


def evaluate(
    model: Annotated[str, typer.Option(help="A bundle, a CLIPSeg folder or a hub id.")],
    data: Data,
    out: Annotated[Path, typer.Option("--json", help="Where all tables and a row per photo go.")],
    split: Annotated[str, typer.Option(help="Name of the split's folders.")] = "valid",
    tta: Annotated[Tta, typer.Option(help="flip: mean over the photo and its mirror image.")] = Tta.NONE,
    page: Annotated[Path | None, typer.Option("--markdown", help="The tables for people.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for sheets of good and bad examples.")] = None,
    threads: Threads = 1,
) -> None:
    """Judge a model on annotated photos: overlaps, phrasings, wrong prompts, false alarms."""
    console = Console(stderr=True)
    set_threads(threads)
    try:
        samples = read_samples(data, split, console)
        for path in filter(None, (out, page)):  # now, and not after minutes of work
            path.parent.mkdir(parents=True, exist_ok=True)
        with model_folder(model) as source, tempfile.TemporaryDirectory() as scratch:
            folder, _ = packed(source, Path(scratch) / "bundle", name=default_name(model))
            engine = load_engine(folder)
            engine = FlipAveraged(engine) if tta is Tta.FLIP else engine
            found = _evaluate(engine, samples, split, tta, pictures, console)
    except WallscanError as error:
        console.print(f"{error.detail} [{error.code}]", markup=False, style="red")
        raise typer.Exit(2) from error
    _write(found, out, page)
    print(honest_markdown(found["honest"]))
    print(silence_markdown(found["wrong_prompts"], found["false_alarms"]))


def read_samples(folders: Iterable[Path], split: str, console: Console) -> list[Sample]:
    """All photos of a split; what was left out is printed. Raises TrainingError `folder_without_photos`."""
    samples: list[Sample] = []
    for folder in folders:
        members, report = read_folders(folder, split)
        _tell(report, console)
        samples += members
    if not samples:
        raise TrainingError(Code.FOLDER_WITHOUT_PHOTOS, f"no annotated photo in the split {split!r}")
    return samples


def _evaluate(
    engine: Engine, samples: Sequence[Sample], split: str, tta: Tta, pictures: Path | None, console: Console
) -> dict[str, Any]:
    verdict = judge(engine, track(samples, "Evaluate", console=console), EVERYTHING)
    if pictures is not None:
        write_sheets(engine, samples, verdict.judged, pictures)
    manifest = engine.manifest
    groups = len({sample.group for sample in samples})
    return {
        "model": {"name": manifest.name, "digest": bundle_digest(manifest)},
        "data": {"split": split, "photos": len(samples), "groups": groups, "tta": tta.value},
        **document(verdict, EVERYTHING),
    }


def _tell(report: DataReport, console: Console) -> None:
    for line in report.skipped:
        console.print(f"left out: {line}", markup=False, highlight=False)


def _write(found: Mapping[str, Any], out: Path, page: Path | None) -> None:
    out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if page is not None:
        page.write_text(markdown(found), encoding="utf-8")
