"""COCO: one JSON file with `images`, `annotations` and `categories`; polygons, run lengths or boxes.

Photos are looked for beside the file, in `images/` beside it, and in the folder that an official name
means (`annotations/instances_train2017.json`: `train2017/` or `images/train2017/` one folder up).
"""

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from trainer.data.annotation import Annotation, Mark, box, polygon
from trainer.data.classes import Classes
from trainer.data.report import DataReport, Reason
from trainer.data.tree import SPLITS, Tree
from wallscan.photos.masks import CocoRle, pack_counts

Key = int | str
Row = TypeVar("Row", bound=BaseModel)
Positive = Annotated[int, Field(gt=0, le=100_000)]

# A count takes at most seven continuations and an end; a longer chain is an attack on who adds it up.
_COUNTS = re.compile(r"(?:[P-o]{0,7}[0-O])*")


class Category(BaseModel):
    """A class. Roboflow writes the data set's own name as the others' supercategory."""

    id: Key
    name: str
    supercategory: str | None = None


class Picture(BaseModel):
    """A photo."""

    id: Key
    file_name: str
    width: Positive
    height: Positive


class Runs(BaseModel):
    """Run lengths down the columns, beginning with zeros: as numbers, or compressed."""

    size: tuple[Positive, Positive]
    counts: list[Annotated[int, Field(ge=0)]] | str


class Owner(BaseModel):
    """Whose a thing is."""

    image_id: Key
    category_id: Key


class Thing(Owner):
    """One annotated thing. Without a segmentation its box (left, top, width, height) counts."""

    segmentation: Runs | list[list[float]] = []
    bbox: tuple[float, float, float, float] | None = None
    iscrowd: bool = False


def read_coco(tree: Tree, classes: Classes, report: DataReport) -> Iterator[Annotation]:
    """An annotation per photo of every COCO file under the root; other JSON files are passed over."""
    for file in tree.with_suffix(".json"):
        try:
            document = json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            report.note(Reason.ANNOTATION_BROKEN, f"{tree.show(file)}: {error}")
            continue
        if isinstance(document, dict) and isinstance(document.get("images"), list):
            yield from _File(tree, file, report).annotations(document, classes)


class _File:
    """One COCO file while it is read."""

    def __init__(self, tree: Tree, file: Path, report: DataReport) -> None:
        self._tree, self._file, self._report = tree, file, report
        self._images = frozenset(tree.images())

    def annotations(self, document: Mapping[str, Any], classes: Classes) -> Iterator[Annotation]:
        """An annotation per listed photo that is there."""
        categories = self._valid(Category, document.get("categories"))
        names = {category.id: category.name for category in categories}
        declared = _families(categories, classes)
        marks = self._marks(document.get("annotations"), names)
        pictures = self._valid(Picture, document["images"])
        uses = Counter(picture.id for picture in pictures)
        for picture in pictures:
            image = self._image(picture.file_name)
            if uses[picture.id] > 1:  # whose the marks are, nobody knows
                self._note(Reason.ANNOTATION_BROKEN, f"another photo has the id {picture.id!r} too")
            elif image is not None:
                yield Annotation(
                    image,
                    f"{self._tree.show(self._file)}: {picture.file_name}",
                    "coco",
                    self._tree.data_set(self._file),
                    self._split(image),
                    tuple(marks.pop(picture.id, ())),
                    (picture.width, picture.height),
                    declared,
                )
        for key in marks.keys() - uses.keys():
            self._note(Reason.IMAGE_MISSING, f"image_id {key!r}, {len(marks[key])} outlines")

    def _valid(self, kind: type[Row], rows: object) -> list[Row]:
        found = []
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            try:
                found.append(kind.model_validate(row))
            except ValidationError as error:
                self._note(Reason.ANNOTATION_BROKEN, f"{kind.__name__.lower()} {index}: {_fault(error)}")
        return found

    def _marks(self, rows: object, names: Mapping[Key, str]) -> dict[Key, list[Mark]]:
        """The marks of each photo. Of a malformed one, the photo and the class are kept if they are there."""
        marks: dict[Key, list[Mark]] = defaultdict(list)
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            try:
                thing = Thing.model_validate(row)
            except ValidationError as error:
                try:
                    owner = Owner.model_validate(row)
                except ValidationError:
                    self._note(Reason.ANNOTATION_BROKEN, f"annotation {index}: {_fault(error)}")
                    continue
                broken = Mark(names.get(owner.category_id, ""), Reason.OUTLINE_BROKEN)
                marks[owner.image_id].append(broken)
                continue
            marks[thing.image_id] += _marks_of(thing, names.get(thing.category_id, ""))
        return marks

    def _image(self, name: str) -> Path | None:
        folder = self._file.parent
        stem = self._file.stem.removeprefix("instances_")
        folders = (folder, folder / "images", folder.parent / stem, folder.parent / "images" / stem)
        paths = [Path(os.path.normpath(place / name)) for place in (*folders, folder.parent / "images")]
        if not self._tree.inside(paths[0]):
            self._note(Reason.PATH_OUTSIDE, name)
            return None
        image = next((path for path in paths if path in self._images), None)
        if image is None:
            self._note(Reason.IMAGE_MISSING, name)
        return image

    def _split(self, image: Path) -> str:
        """As the photo's folders say, or the annotation file's name."""
        words = re.findall("[a-z]+", self._file.stem.lower())
        return self._tree.split(image) or next((SPLITS[word] for word in words if word in SPLITS), "")

    def _note(self, reason: Reason, what: str) -> None:
        self._report.note(reason, f"{self._tree.show(self._file)}: {what}")


def _families(categories: Sequence[Category], classes: Classes) -> frozenset[str]:
    parents = {category.supercategory for category in categories if category.supercategory != category.name}
    named = (classes.family(category.name) for category in categories if category.name not in parents)
    return frozenset(family for family in named if family)


def _marks_of(thing: Thing, name: str) -> list[Mark]:
    """A mark for each part of one thing."""
    if isinstance(thing.segmentation, Runs):
        return [Mark(name, _runs(thing.segmentation), is_crowd=thing.iscrowd)]
    if thing.segmentation:
        return [Mark(name, polygon(part), is_crowd=thing.iscrowd) for part in thing.segmentation]
    if thing.bbox is None:
        return [Mark(name, Reason.OUTLINE_BROKEN)]
    left, top, width, height = thing.bbox
    return [Mark(name, box(left, top, left + width, top + height), is_box=True, is_crowd=thing.iscrowd)]


def _runs(runs: Runs) -> CocoRle | Reason:
    """Always compressed. They are not unrolled here: their size is only trusted once it is the photo's."""
    height, width = runs.size
    counts = runs.counts if isinstance(runs.counts, str) else pack_counts(runs.counts)
    if not _COUNTS.fullmatch(counts):
        return Reason.OUTLINE_BROKEN
    return {"size": [height, width], "counts": counts}


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
