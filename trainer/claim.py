"""Whose a work folder is: `run.json` tells the run's recipe and precision, base, photos and phrases."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.checkpoint import BEST, LAST
from trainer.data import Photos, digest_of
from trainer.recipe import Recipe
from trainer.settle import in_precision
from trainer.teacher import FILE as TEACHER
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.files import DECODER, WEIGHTS, describe

CLAIM = "run.json"
TRAINS = 3
"""Of how steps are taken: a run that began with another number would not go on as it began."""


class Run(BaseModel):
    """What must stay as it is while a run goes on, wherever its files lie.

    `base` is the SHA-256 (hex) of the weights to start from; `learnt` and `held_out` are the `digest_of` the
    photos. The recipe's `bf16` says whether the run computes in it, `trains` how it takes its steps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Recipe
    base: str | None
    learnt: str
    held_out: str
    phrases: dict[str, tuple[str, ...]]
    trains: int = 1

    @classmethod
    def of(cls, recipe: Recipe, photos: Photos, base: Path | None) -> Self:
        """A run that is about to begin."""
        return cls(
            recipe=recipe,
            base=None if base is None else describe(_weights(base)).sha256,
            learnt=digest_of(photos.train),
            held_out=digest_of(photos.held_out),
            phrases=photos.classes.phrases(),
            trains=TRAINS,
        )


def claim(work: Path, recipe: Recipe, photos: Photos, base: Path | None, device: torch.device) -> Recipe:
    """Write down whose folder this is; the recipe, in the precision that the run began in.

    A run that begins computes in bf16 where its recipe allows it and it pays on the device. Raises
    TrainingError `work_folder_taken` where the folder holds another run, or weights that nothing tells of.
    """
    mine, found = Run.of(recipe, photos, base), read_run(work)
    if found is not None:
        _require_same(work, found, mine)
        return recipe.model_copy(update={"bf16": found.recipe.bf16})
    if unclaimed := ", ".join(name for name in (LAST, BEST, TEACHER) if (work / name).exists()):
        raise TrainingError(
            Code.WORK_FOLDER_TAKEN, f"{work} holds {unclaimed}, and no {CLAIM} that tells of what run"
        )
    mine = mine.model_copy(update={"recipe": in_precision(recipe, device)})
    _write(work, mine)
    return mine.recipe


def claimed(work: Path, photos: Photos, base: Path | None) -> Recipe:
    """The recipe of the run that `work` holds.

    Raises TrainingError: `checkpoint_missing` where it holds none, `work_folder_taken` where that run learns
    from other photos or another base.
    """
    found = require_run(work)
    mine = Run.of(found.recipe, photos, base).model_copy(update={"trains": found.trains})  # no step is taken
    _require_same(work, found, mine)
    return found.recipe


def require_run(work: Path) -> Run:
    """The run that `work` holds. Raises TrainingError `checkpoint_missing` where it holds none."""
    found = read_run(work)
    if found is None:
        raise TrainingError(Code.CHECKPOINT_MISSING, f"{work} holds no run: there is no {CLAIM}")
    return found


def read_run(work: Path) -> Run | None:
    """The run that `work` holds, if any. Raises TrainingError `work_folder_taken` where nothing can tell."""
    path = work / CLAIM
    if not path.is_file():
        return None
    try:
        return Run.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise TrainingError(
            Code.WORK_FOLDER_TAKEN, f"{path} is of another version: {place}: {first['msg']}"
        ) from error


def _require_same(work: Path, found: Run, mine: Run) -> None:
    if differing := ", ".join(_differing(found, mine)):
        raise TrainingError(Code.WORK_FOLDER_TAKEN, f"{work} holds another run: {differing} differ")


def _differing(found: Run, mine: Run) -> Iterator[str]:
    """What is not the same, in words. Of a run that computes in float32 the recipe may allow bf16."""
    theirs, ours = found.recipe.model_dump(mode="json"), mine.recipe.model_dump(mode="json")
    yield from sorted(
        key for key, value in ours.items() if theirs[key] != value and not (key == "bf16" and value)
    )
    if found.base != mine.base:
        yield f"base (its weights have the SHA-256 {found.base})" if found.base else "base (it has none)"
    if found.learnt != mine.learnt:
        yield "photos learnt from"
    if found.held_out != mine.held_out:
        yield "photos held out"
    if found.phrases != mine.phrases:
        yield "phrases of the classes"
    if found.trains != mine.trains:
        yield "the trainer's versions"


def _write(work: Path, run: Run) -> None:
    work.mkdir(parents=True, exist_ok=True)
    temporary = work / f"{CLAIM}.{os.getpid()}"
    temporary.write_text(run.model_dump_json(indent=2), encoding="utf-8")
    temporary.replace(work / CLAIM)


def _weights(base: Path) -> Path:
    return base / (WEIGHTS if (base / WEIGHTS).is_file() else DECODER)
