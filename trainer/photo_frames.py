"""Frames cut from annotated photos, turned by any angle, with rendered cracks and seams pasted in."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.augment import crop_window, mosaic
from trainer.boards import draw_seam, mark_box
from trainer.data import Sample, Shape, load_rgb
from trainer.phrases import FAMILIES
from trainer.render import add_cracks
from trainer.seams import Lines, find_seam
from wallscan.segment.preprocess import to_square

Image = NDArray[np.uint8]
Scene = tuple[Image, dict[str, Image]]
CRACK, JOINT = "crack", "drywall joint"
FULL_TURN_SHARE = 0.4
SMALL_TURN_DEG = 12.0


@dataclass(frozen=True, slots=True)
class _Photo:
    """A decoded photo: pixels, the families' masks, and the lines in its boxes (None: cannot be turned)."""

    image: Image
    masks: Mapping[str, Image]
    seams: Sequence[Lines] | None


class PhotoFrames:
    """Draws frames from photos, which are decoded once and kept: about 1.6 MB each.

    A photo was annotated for its own families only; the others of the two are taken to be absent. Of a
    family that is unsettled a frame has no truth.
    """

    def __init__(
        self, samples: Sequence[Sample], *, mosaic_share: float, turn_share: float, anywhere_share: float
    ) -> None:
        self._by_family = {f: [s for s in samples if f in s.families] for f in FAMILIES}
        self._mosaic_share, self._turn_share = mosaic_share, turn_share
        self._anywhere_share = anywhere_share
        self._decoded: dict[str, _Photo] = {}

    def draw(self, source: str, size: int, zoom: tuple[float, float], rng: random.Random) -> Scene:
        """A frame (S, S, 3) of the source with its truths (S, S) per family."""
        if source == "crack":
            if rng.random() < self._mosaic_share:
                return _mosaic([self._crop(CRACK, size, zoom, rng) for _ in range(4)], size)
            return self._crop(CRACK, size, zoom, rng)
        background = CRACK if source == "pasted_joint" and rng.random() < 0.3 else JOINT
        image, truths = self._crop(background, size, zoom, rng)
        pasted = {"pasted_crack": CRACK, "pasted_joint": JOINT}.get(source)
        if pasted not in truths:  # nothing is pasted, or beside what may be there already
            return image, truths
        canvas = image.astype(np.float32)
        if source == "pasted_crack":
            add_cracks(canvas, truths[CRACK], rng)
        else:
            _add_seam(canvas, truths[JOINT], rng)
        return np.clip(canvas, 0, 255).astype(np.uint8), truths

    def _crop(self, family: str, size: int, zoom: tuple[float, float], rng: random.Random) -> Scene:
        photo = self._photo(rng.choice(self._by_family[family]))
        rows, columns = crop_window(photo.masks[family], zoom, self._anywhere_share, rng)
        image = to_square(photo.image[rows, columns], size)
        truths = {name: to_square(mask[rows, columns], size) for name, mask in photo.masks.items()}
        if photo.seams is None or rng.random() >= self._turn_share:
            return image, truths
        scale = np.array([size / (columns.stop - columns.start), size / (rows.stop - rows.start)])
        lines = [(line - (columns.start, rows.start)) * scale for line in photo.seams]
        return _turned(image, truths, lines, rng)

    def _photo(self, sample: Sample) -> _Photo:
        key = str(sample.image)
        if key not in self._decoded:
            image = load_rgb(sample.image)
            known = (family for family in FAMILIES if family not in sample.unsettled)
            masks = {family: sample.truth(family, *image.shape[:2]) for family in known}
            self._decoded[key] = _Photo(image, masks, _seams(sample, image))
        return self._decoded[key]


def _mosaic(scenes: Sequence[Scene], size: int) -> Scene:
    """Four scenes in one, with the truths that all of them have."""
    known = (family for family in FAMILIES if all(family in truths for _, truths in scenes))
    truths = {family: mosaic([truths[family] for _, truths in scenes], size) for family in known}
    return mosaic([image for image, _ in scenes], size), truths


def _seams(sample: Sample, image: Image) -> list[Lines] | None:
    """The lines in the joint boxes; None where a frame cannot be turned.

    So where another family has boxes, whose content is unknown, or joints are marked in two ways: boxes are
    drawn anew round the turned lines, and would take the place of the others.
    """
    if any(shape.is_box for family, shapes in sample.shapes.items() if family != JOINT for shape in shapes):
        return None
    if len({shape.is_box for shape in sample.shapes.get(JOINT, ())}) > 1:
        return None
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return [
        find_seam(grey, shape.points)
        for shape in sample.shapes.get(JOINT, ())
        if isinstance(shape, Shape) and shape.is_box
    ]


def _turned(image: Image, truths: Mapping[str, Image], lines: Sequence[Lines], rng: random.Random) -> Scene:
    """The frame turned about its centre: masks turn with it, boxes are drawn anew round the turned lines."""
    size = len(image)
    full = rng.random() < FULL_TURN_SHARE
    angle = rng.uniform(-180, 180) if full else rng.gauss(0, SMALL_TURN_DEG)
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, rng.uniform(0.95, 1.25))
    fill = (0, 0, 0) if rng.random() < 0.5 else tuple(float(value) for value in image.mean(axis=(0, 1)))
    turned = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=fill)
    masks = {
        name: cv2.warpAffine(mask, matrix, (size, size)).astype(np.uint8, copy=False)
        for name, mask in truths.items()
    }
    if lines:
        masks[JOINT] = np.zeros((size, size), np.uint8)
        margin = size / 320 * rng.uniform(2, 8)
        for line in lines:
            seen, start, end = cv2.clipLine((0, 0, size, size), *(tuple(map(round, point)) for point in line))
            if seen:
                ends: Lines = np.array([start, end], np.float64) @ matrix[:, :2].T + matrix[:, 2]
                mark_box(masks[JOINT], ends, margin)
    return turned.astype(np.uint8, copy=False), masks


def _add_seam(canvas: NDArray[np.float32], mask: Image, rng: random.Random) -> None:
    """A rendered seam right across a photo, upright or lying, a little askew."""
    size = len(canvas)
    at, lean = (
        rng.uniform(0.08, 0.92) * size,
        rng.choice((0.0, rng.gauss(0, 0.05), rng.uniform(-0.6, 0.6))) * size,
    )
    line = np.array([(at, -2.0), (at + lean, size + 2.0)])
    if rng.random() < 0.5:
        line = line[:, ::-1]
    draw_seam(canvas, line, (size / 320 * rng.uniform(0.5, 2.2), rng.uniform(0.3, 0.95)), rng)
    mark_box(mask, line, size / 320 * rng.uniform(2, 9))
