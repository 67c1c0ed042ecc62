"""YOLO: `labels/X.txt` beside `images/X.jpg`, a line a thing, with the classes' names in `data.yaml`.

A line is `class x1 y1 x2 y2 x3 y3 ...` (an outline) or `class cx cy width height` (a box), in shares of the
photo's sides. A photo without a label file shows nothing, as everyone who trains with YOLO takes it.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ValidationError

from trainer.data.annotation import RELATIVE, Annotation, Mark, box, polygon
from trainer.data.classes import Classes
from trainer.data.report import DataReport, Reason
from trainer.data.tree import Tree

TABLES = ("data.yaml", "data.yml")
LABELS, IMAGES = "labels", "images"

Names = Annotated[
    dict[int, str],
    BeforeValidator(lambda value: dict(enumerate(value)) if isinstance(value, list) else value),
]
Folders = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value or ())
]


class Table(BaseModel):
    """What `data.yaml` says: the classes' names, and which folders are whose."""

    names: Names
    path: Annotated[str, BeforeValidator(lambda value: value or "")] = ""
    train: Folders = ()
    val: Folders = ()
    test: Folders = ()


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with the split of each folder that it names."""

    names: Mapping[int, str]
    splits: Mapping[Path, str]

    def split(self, image: Path) -> str | None:
        return next((self.splits[folder] for folder in image.parents if folder in self.splits), None)


def read_yolo(tree: Tree, classes: Classes, report: DataReport) -> Iterator[Annotation]:
    """An annotation per photo that lies in an `images` folder with `labels` beside it."""
    labels = {file for file in tree.with_suffix(".txt") if LABELS in tree.parts(file)}
    labelled = {file.parent for file in labels}
    tables = {file.parent: _read(file, tree, report) for file in tree.files if file.name in TABLES}
    for image in tree.images():
        file = _label_file(image, tree)
        if file is None or (file not in labels and file.parent not in labelled):
            continue
        table = next((tables[folder] for folder in file.parents if folder in tables), None)
        if table is None:
            report.note(Reason.NAMES_MISSING, tree.show(file))
        elif file not in labels:
            report.note(Reason.TAKEN_AS_EMPTY, tree.show(image))
        marks = None if table is None else _marks(file, table, tree, report) if file in labels else ()
        families = () if table is None else map(classes.family, table.names.values())
        yield Annotation(
            image,
            tree.show(file),
            "yolo",
            tree.data_set(image),
            (table and table.split(image)) or tree.split(image),
            marks,
            RELATIVE,
            frozenset(family for family in families if family),
        )
    images = {_label_file(image, tree) for image in tree.images()}
    for lost in sorted(labels - images):
        report.note(Reason.IMAGE_MISSING, tree.show(lost))


def _label_file(image: Path, tree: Tree) -> Path | None:
    """Where the labels of a photo would be: the last `images` above it becomes `labels`."""
    parts = tree.parts(image)
    if IMAGES not in parts:
        return None
    last = len(parts) - 1 - parts[::-1].index(IMAGES)
    return tree.root.joinpath(*parts[:last], LABELS, *parts[last + 1 :], f"{image.stem}.txt")


def _read(file: Path, tree: Tree, report: DataReport) -> _Table | None:
    try:
        table = Table.model_validate(yaml.safe_load(file.read_bytes()))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        report.note(Reason.ANNOTATION_BROKEN, f"{tree.show(file)}: {told}")
        return None
    splits: dict[Path, str] = {}
    for split, names in (("train", table.train), ("valid", table.val), ("test", table.test)):
        for name in names:
            folder = _folder(name, table.path, file, tree)
            if folder is None:
                report.note(Reason.SPLIT_MISSING, f"{tree.show(file)}: {split}: {name}")
            else:
                splits.setdefault(folder, split)  # coco128.yaml names one folder for both: it is learnt from
    return _Table(table.names, splits)


def _folder(name: str, path: str, file: Path, tree: Tree) -> Path | None:
    """A folder that a table names. Roboflow writes `../train/images` for one that is beside the table."""
    inner = name
    while inner.startswith("../"):
        inner = inner.removeprefix("../")
    tried = (Path(os.path.normpath(file.parent / path / one)) for one in (name, inner))
    tried_too = (*tried, Path(os.path.normpath(file.parent / inner)))  # `path` is often another machine's
    above = {folder for image in tree.images() for folder in image.parents}
    return next((folder for folder in tried_too if folder in above and folder != tree.root), None)


def _marks(file: Path, table: _Table, tree: Tree, report: DataReport) -> tuple[Mark, ...] | None:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        report.note(Reason.ANNOTATION_BROKEN, f"{tree.show(file)}: {error}")
        return None
    return tuple(_mark(line.split(), table.names) for line in lines if line.strip())


def _mark(words: list[str], names: Mapping[int, str]) -> Mark:
    name = names.get(int(words[0]), "") if re.fullmatch("[0-9]{1,9}", words[0]) else ""
    try:
        values = [float(word) for word in words[1:]]
    except ValueError:
        return Mark(name, Reason.OUTLINE_BROKEN)
    if len(values) != 4:
        return Mark(name, polygon(values))
    x, y, width, height = values
    return Mark(name, box(x - width / 2, y - height / 2, x + width / 2, y + height / 2), is_box=True)
