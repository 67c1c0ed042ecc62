"""`python -m trainer evaluate`."""

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from trainer.commands.data import By, ClassesFile, Data, chosen_classes, tell
from trainer.commands.reported import reported
from trainer.commands.train import Threads, set_threads
from trainer.data import Classes, LeakReport, Sample, SplitBy, digest_of, find_leaks, parts, read_samples
from trainer.evaluation.document import document
from trainer.evaluation.judge import Questions, Verdict, judge
from trainer.evaluation.markdown import honest_markdown, markdown, silence_markdown
from trainer.evaluation.pictures import write_sheets
from trainer.evaluation.tables import honest_table
from trainer.evaluation.ways import FlipAveraged
from trainer.origin import doubtful
from wallscan.client.sources import default_name, model_folder
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.folder import packed
from wallscan.models.manifest import Manifest, bundle_digest
from wallscan.segment.engine import Engine, load_engine


class Tta(StrEnum):
    """What a photo is averaged over."""

    NONE = "none"
    FLIP = "flip"


def evaluate(
    model: Annotated[str, typer.Option(help="A bundle, a CLIPSeg folder or a hub id.")],
    data: Data,
    out: Annotated[Path, typer.Option("--json", help="Where all tables and a row per photo go.")],
    split: By = SplitBy.OFFICIAL,
    part: Annotated[str, typer.Option(help="The part of the split to judge on.")] = "valid",
    classes: ClassesFile = None,
    tta: Annotated[Tta, typer.Option(help="flip: mean over the photo and its mirror image.")] = Tta.NONE,
    page: Annotated[Path | None, typer.Option("--markdown", help="The tables for people.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for sheets of good and bad examples.")] = None,
    threads: Threads = 1,
) -> None:
    """Judge a model on annotated photos: overlaps, phrasings, wrong prompts, false alarms."""
    console = Console(stderr=True)
    set_threads(threads)
    with reported(console):
        mapping = chosen_classes(classes)
        judges = _judges(data, split, part, mapping, console)
        for path in filter(None, (out, page)):  # now, and not after minutes of work
            path.parent.mkdir(parents=True, exist_ok=True)
        with model_folder(model) as source, tempfile.TemporaryDirectory() as scratch:
            folder, _ = packed(source, Path(scratch) / "bundle", name=default_name(model))
            engine: Engine = load_engine(folder)
            doubt = split_doubt(engine.manifest, split, judges.learnt)
            if doubt is not None:
                console.print(doubt, markup=False, highlight=False, soft_wrap=True)
            if tta is Tta.FLIP:
                engine = FlipAveraged(engine)
            phrases = mapping.evaluated()
            questions = Questions(phrases, squares_of=tuple(phrases.keys() & {"crack"}))
            found = _evaluate(engine, judges, questions, pictures, console)
            found["data"] |= {"split": split.value, "part": part, "tta": tta.value}
            found["model"] |= {"doubt": doubt}
    _write(found, out, page)
    print(honest_markdown(found["honest"]))
    print(silence_markdown(found["wrong_prompts"], found["false_alarms"]))


def split_doubt(manifest: Manifest, split: SplitBy, learnt: Sequence[Sample]) -> str | None:
    """A warning where photos that count as never seen may have been learnt from.

    That they were not is known where the split gives the model's own photos, `learnt`, to learn from, and the
    model's base is not in doubt itself.
    """
    if manifest.split is None:
        known = "It is not known by which split the model was trained."
    elif manifest.split != split:
        known = f"The model was trained by the split {manifest.split!r} and is judged by {split.value!r}."
    elif manifest.data_digest != digest_of(learnt):
        known = "The model was trained on other photos than the split gives to learn from here."
    elif doubtful(manifest):
        known = "The model was trained on from one that had learnt from other photos."
    else:
        return None
    return f"{known} It may have learnt from photos that judge it here, also from those of leak_free."


@dataclass(frozen=True, slots=True)
class _Judges:
    """The photos that judge, those that the split gives to learn from, and what leaks."""

    samples: Sequence[Sample]
    learnt: Sequence[Sample]
    leaks: LeakReport


def _judges(folders: Sequence[Path], by: SplitBy, part: str, classes: Classes, console: Console) -> _Judges:
    """Raises TrainingError `folder_without_photos`."""
    samples, report = read_samples(folders, classes)
    split = parts(samples, by)
    judges, learnt = split.get(part, []), split.get("train", []) if part != "train" else []
    leaks = find_leaks(learnt, judges)
    tell(report, leaks, console)
    if not judges:
        raise TrainingError(Code.FOLDER_WITHOUT_PHOTOS, f"no annotated photo in the part {part!r}")
    return _Judges(judges, learnt, leaks)


def _evaluate(
    engine: Engine, judges: _Judges, questions: Questions, pictures: Path | None, console: Console
) -> dict[str, Any]:
    samples = judges.samples
    verdict = judge(engine, track(samples, "Evaluate", console=console), questions)
    if pictures is not None:
        write_sheets(engine, samples, verdict.judged, pictures)
    manifest = engine.manifest
    groups = len({sample.group for sample in samples})
    learnt = {sample.group for sample in judges.learnt}
    return {
        "model": {"name": manifest.name, "digest": bundle_digest(manifest), "split": manifest.split},
        "data": {"photos": len(samples), "groups": groups},
        **document(verdict, questions),
        "leaks": judges.leaks.document(),
        "leak_free": honest_table(_leak_free(verdict, learnt)) if learnt else {},
    }


def _leak_free(verdict: Verdict, learnt: Collection[str]) -> Verdict:
    """The rows of photos whose group nothing was learnt from."""
    return Verdict(
        [row for row in verdict.judged if row.group not in learnt],
        [row for row in verdict.negatives if row.group not in learnt],
    )


def _write(found: Mapping[str, Any], out: Path, page: Path | None) -> None:
    out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if page is not None:
        page.write_text(markdown(found), encoding="utf-8")
