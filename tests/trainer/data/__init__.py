"""A folder of annotated photos, as Roboflow exports them, made here."""

import csv
import random
from pathlib import Path

import cv2
import numpy as np

from trainer.data import DataReport, Sample, Shape, Truth, read_samples
from trainer.data.report import Reason
from trainer.render import render

NAMES = {"crack": "NewCracks - v2", "drywall joint": "drywall-join"}
KINDS = {"crack": "cracks", "drywall joint": "joints"}


def write_image(path: Path, width: int = 64, height: int = 64, seed: int | None = None) -> Path:
    """A grey photo, or with a seed one that looks like no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.full((8, 8, 3), 180, np.uint8)
    if seed is not None:
        coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(path.suffix, image)
    path.write_bytes(data.tobytes())
    return path


def read(*roots: Path) -> tuple[dict[str, Sample], DataReport]:
    """All samples by the photo's path below its root."""
    samples, report = read_samples(roots)
    names = {
        sample.image.relative_to(root).as_posix(): sample
        for sample in samples
        for root in roots
        if sample.image.is_relative_to(root)
    }
    return names, report


def points(truth: Truth) -> np.ndarray:
    """The corners (N, 2) of an outline."""
    assert isinstance(truth, Shape)
    return truth.points


def noted(report: DataReport) -> dict[Reason, int]:
    """What the report counts."""
    return dict(report.notes)


def object_xml(name: str, points: np.ndarray | None = None, box: tuple[float, ...] | None = None) -> str:
    shape = ""
    if points is not None:
        values = "".join(
            f"<x{i}>{x:.3f}</x{i}><y{i}>{y:.3f}</y{i}>" for i, (x, y) in enumerate(points.tolist(), 1)
        )
        shape = f"<polygon>{values}</polygon>"
    if box is not None:
        x0, y0, x1, y1 = box
        shape += f"<bndbox><xmin>{x0}</xmin><xmax>{x1}</xmax><ymin>{y0}</ymin><ymax>{y1}</ymax></bndbox>"
    return f"<object><name>{name}</name>{shape}</object>"


def document(objects: str, side: int = 64) -> str:
    size = f"<size><width>{side}</width><height>{side}</height><depth>3</depth></size>"
    return f"<annotation>{size}{objects}</annotation>"


def write_photo(folder: Path, stem: str, annotation: str, side: int = 64) -> Path:
    write_image(folder / f"{stem}.jpg", side, side)
    (folder / f"{stem}.xml").write_text(annotation, encoding="utf-8")
    return folder / f"{stem}.jpg"


def write_data(root: Path, count: int = 8, side: int = 96) -> Path:
    """`count` rendered photos per kind and split, with their outlines; two photos share a source each."""
    rng = random.Random(11)
    rows = []
    for family, kind in KINDS.items():
        for split in ("train", "valid"):
            for index in range(count):
                stem = f"{split}-{index}"
                _render(root / kind / split, stem, family, side, rng)
                rows.append((kind, split, f"{stem}.jpg", f"{split}-source-{index // 2}", "", 1))
    with (root / "images.csv").open("w", newline="") as table:
        csv.writer(table).writerows([("kind", "split", "file", "source_photo", "scene", "objects"), *rows])
    return root


def _render(folder: Path, stem: str, family: str, side: int, rng: random.Random) -> None:
    outlines: list[np.ndarray] = []
    while not outlines:
        image, mask = render(family, side, rng)
        found, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outlines = [contour[:, 0].astype(float) for contour in found if cv2.contourArea(contour) > 4]
    objects = "".join(object_xml(NAMES[family], points) for points in outlines)
    write_photo(folder, stem, document(objects, side), side)
    cv2.imwrite(str(folder / f"{stem}.jpg"), image[:, :, ::-1])
