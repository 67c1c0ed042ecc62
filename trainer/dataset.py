"""The training data: Pascal VOC as Roboflow exports it (`X.jpg` beside `X.xml`), polygons or boxes."""

import csv
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import cv2
import numpy as np
from defusedxml import DefusedXmlException, ElementTree
from numpy.typing import NDArray

CLASS_FAMILIES = {
    "crack": "crack",
    "join": "drywall joint",
    "seam": "drywall joint",
    "taping": "drywall joint",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """One annotated outline: (N, 2) float32 x, y in pixels; boxes are their four corners."""

    points: NDArray[np.float32]
    is_box: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """One annotated photo. `group` names the photo or scene that siblings share.

    `shapes` holds the outlines of each family that was annotated; a family with none was looked for and is
    not there. Families that are not in it may be anywhere.
    """

    image: Path
    shapes: Mapping[str, tuple[Shape, ...]]
    group: str

    @property
    def families(self) -> tuple[str, ...]:
        """The families that are there."""
        return tuple(family for family, shapes in self.shapes.items() if shapes)

    def truth(self, family: str, height: int, width: int) -> NDArray[np.uint8]:
        """The family's outlines as an (H, W) uint8 mask of 0 and 255."""
        return rasterise(self.shapes.get(family, ()), height, width)


@dataclass(slots=True)
class DataReport:
    """What reading found: counts, and every annotation that was left out with its reason."""

    images: int = 0
    shapes: int = 0
    skipped: list[str] = field(default_factory=list)


def read_folder(folder: Path, report: DataReport) -> list[Sample]:
    """All readable samples of a folder, sorted by file name; what is left out goes to `report.skipped`."""
    groups = _groups(folder)
    samples = []
    for image in sorted(folder.glob("*.jpg")):
        sample = _read_sample(image, groups.get(image.name, image.stem), report)
        if sample is not None:
            samples.append(sample)
    report.images += len(samples)
    report.shapes += sum(len(shapes) for sample in samples for shapes in sample.shapes.values())
    return samples


def read_folders(root: Path, split: str) -> tuple[list[Sample], DataReport]:
    """Every `<root>/<kind>/<split>` folder that exists."""
    report = DataReport()
    folders = sorted(folder for folder in root.glob(f"*/{split}") if folder.is_dir())
    return [sample for folder in folders for sample in read_folder(folder, report)], report


@dataclass(frozen=True, slots=True)
class Photos:
    """Who learns and who judges: `held_out` fits gates and picks runs, `valid` is only reported on."""

    train: Sequence[Sample]
    held_out: Sequence[Sample]
    valid: Sequence[Sample]


def read_photos(root: Path, held_out_share: float, seed: int) -> tuple[Photos, DataReport]:
    """All photos under `root`; some groups of its `train` split are held out."""
    samples, report = read_folders(root, "train")
    valid, valid_report = read_folders(root, "valid")
    report.skipped += valid_report.skipped
    train, held_out = split_by_group(samples, held_out_share, seed)
    return Photos(train, held_out, valid), report


def split_by_group(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """(train, held out): per family, whole groups are held out until `share` of the photos is reached."""
    train: list[Sample] = []
    held: list[Sample] = []
    for family in sorted({family for sample in samples for family in sample.families}):
        members = [sample for sample in samples if sample.families[0] == family]
        groups = sorted({sample.group for sample in members})
        random.Random(seed).shuffle(groups)
        chosen: set[str] = set()
        for group in groups:
            if sum(sample.group in chosen for sample in members) >= share * len(members):
                break
            chosen.add(group)
        train += [sample for sample in members if sample.group not in chosen]
        held += [sample for sample in members if sample.group in chosen]
    return train, held


def load_rgb(path: Path) -> NDArray[np.uint8]:
    """An image file as (H, W, 3) uint8 RGB. Raises ValueError when it cannot be decoded."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"cannot decode {path.name}")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def rasterise(shapes: Iterable[Shape], height: int, width: int) -> NDArray[np.uint8]:
    """Shapes as an (H, W) uint8 mask of 0 and 255."""
    mask = np.zeros((height, width), np.uint8)
    for shape in shapes:
        cv2.fillPoly(mask, [np.round(shape.points).astype(np.int32)], 255)
    return mask


def _groups(folder: Path) -> dict[str, str]:
    table = folder.parent.parent / "images.csv"
    if not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as lines:
        return {row["file"]: row["source_photo"] for row in csv.DictReader(lines)}


def _read_sample(image: Path, group: str, report: DataReport) -> Sample | None:
    annotation = image.with_suffix(".xml")
    try:
        root = ElementTree.fromstring(annotation.read_bytes())
        width, height = int(root.findtext("size/width", "")), int(root.findtext("size/height", ""))
    except (OSError, ParseError, DefusedXmlException, ValueError) as error:
        report.skipped.append(f"{annotation.name}: unreadable annotation ({type(error).__name__})")
        return None
    shapes: dict[str, list[Shape]] = {}
    for index, node in enumerate(root.iter("object")):
        shape = _read_shape(node, width, height)
        family = _family(node.findtext("name", ""))
        if shape is None or family is None:
            reason = "degenerate outline" if shape is None else "unknown class"
            report.skipped.append(f"{annotation.name}: object {index}: {reason}")
            continue
        shapes.setdefault(family, []).append(shape)
    if not shapes:
        report.skipped.append(f"{annotation.name}: nothing usable is annotated")
        return None
    return Sample(image, {family: tuple(members) for family, members in shapes.items()}, group)


def _family(name: str) -> str | None:
    lowered = name.lower()
    return next((family for part, family in CLASS_FAMILIES.items() if part in lowered), None)


def _read_shape(node: Element, width: int, height: int) -> Shape | None:
    """Clipped to the image; None when it is malformed or has no area left."""
    polygon, box = node.find("polygon"), node.find("bndbox")
    try:
        if polygon is not None:
            values = [float(child.text or "") for child in polygon]
            points = np.array(values, np.float32).reshape(-1, 2)
        elif box is not None:
            x0, x1, y0, y1 = (float(box.findtext(tag, "")) for tag in ("xmin", "xmax", "ymin", "ymax"))
            points = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
        else:
            return None
    except ValueError:
        return None
    if not np.isfinite(points).all() or len(points) < 3:
        return None
    points = np.clip(points, 0, (width, height)).astype(np.float32)
    return Shape(points, polygon is None) if cv2.contourArea(points) >= 1.0 else None
