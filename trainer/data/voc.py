"""Pascal VOC as Roboflow exports it (`X.jpg` beside `X.xml`), polygons or boxes."""

import csv
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import cv2
import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from trainer.data.report import DataReport
from trainer.data.sample import Sample, Shape

CLASS_FAMILIES = {
    "crack": "crack",
    "join": "drywall joint",
    "seam": "drywall joint",
    "taping": "drywall joint",
}


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
