"""The product's own masks, corrected by hand: `masks/` as a report lays it out, beside its photos.

`masks/kitchen/1.jpg.drywall-joint.png` belongs to `kitchen/1.jpg` beside `masks/`, or in `images/` there.
It is a PNG of 0 and 255 of the photo's size; the part before `.png` is a class or a phrasing of a family. A
mask of zeros says that the family was looked for and is not there; a family without a mask may be anywhere,
so that the photo says nothing of it.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from trainer.data.annotation import Annotation, Mark
from trainer.data.classes import Classes
from trainer.data.report import DataReport, Reason
from trainer.data.tree import MASKS, Tree
from wallscan.domain.errors import PhotoError
from wallscan.photos.masks import decode_mask_png, encode_rle


def read_corrected(tree: Tree, classes: Classes, report: DataReport) -> Iterator[Annotation]:
    """An annotation per photo with a mask, of all its masks."""
    images = {_normal(image.relative_to(tree.root).as_posix()): image for image in tree.images()}
    found: dict[Path, dict[Path, str]] = defaultdict(dict)
    for mask in tree.with_suffix(".png"):
        if MASKS not in tree.parts(mask):
            continue
        photo, _, name = mask.stem.rpartition(".")
        image = _image(mask, photo, tree, images)
        if image is None:
            report.note(Reason.IMAGE_MISSING, tree.show(mask))
        else:
            found[image][mask] = name
    for image, masks in sorted(found.items()):
        yield _annotation(image, masks, tree, classes, report)


def _normal(path: str) -> str:
    """Composed letters, as the product spells paths; some file systems take them apart."""
    return unicodedata.normalize("NFC", path)


def _image(mask: Path, photo: str, tree: Tree, images: Mapping[str, Path]) -> Path | None:
    parts = tree.parts(mask)
    place = parts.index(MASKS)
    within = PurePosixPath(*parts[place + 1 :], photo)
    tried = (PurePosixPath(*parts[:place], *folder) / within for folder in ((), ("images",)))
    return next((images[key] for path in tried if (key := _normal(str(path))) in images), None)


def _annotation(
    image: Path, masks: Mapping[Path, str], tree: Tree, classes: Classes, report: DataReport
) -> Annotation:
    marks, families = [], set()
    for path, name in masks.items():
        family = classes.family(name)
        try:
            mask = decode_mask_png(path.read_bytes())
        except (OSError, PhotoError) as error:
            report.note(Reason.ANNOTATION_BROKEN, f"{tree.show(path)}: {error}")
            marks.append(Mark(name, Reason.OUTLINE_BROKEN))
            continue
        if family is not None:
            families.add(family)
        if family is None or np.any(mask):
            marks.append(Mark(name, encode_rle(mask)))
    return Annotation(
        image,
        tree.show(image),
        "masks",
        tree.data_set(image),
        tree.split(image),
        tuple(marks),
        None,
        frozenset(families),
        others_unknown=True,
    )
