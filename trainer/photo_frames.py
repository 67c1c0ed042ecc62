"""Frames cut from annotated photos, turned by any angle, with rendered cracks and seams pasted in."""

import random
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.augment import crop_window, mosaic
from trainer.boards import draw_seam, mark_box
from trainer.data import Sample
from trainer.photo_cache import CACHE_BYTES, PhotoCache
from trainer.phrases import CRACK, FAMILIES, JOINT
from trainer.render import add_cracks
from trainer.seams import Lines
from wallscan.segment.preprocess import to_square

Image = NDArray[np.uint8]
Scene = tuple[Image, dict[str, Image]]
FULL_TURN_SHARE = 0.4
SMALL_TURN_DEG = 12.0
SHEAR_SHARE, SHEAR = 0.4, 0.2


CLEAN = "clean"
"""The kind of photos that show no family, and the source of frames of them."""


def kinds(sample: Sample) -> tuple[str, ...]:
    """What frames of the photo are drawn for: the families that are there, or `CLEAN`.

    Nothing where it shows none, but it is unknown of all of them whether it does.
    """
    if sample.families or sample.unsettled.issuperset(FAMILIES):
        return sample.families
    return (CLEAN,)


class PhotoFrames:
    """Draws frames from photos; `cache_bytes` of decoded ones are kept, which changes no frame.

    A photo was annotated for its own families only; the others of the two are taken to be absent. Of a
    family that is unsettled a frame has no truth.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        mosaic_share: float,
        turn_share: float,
        anywhere_share: float,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._by_kind = {kind: [s for s in samples if kind in kinds(s)] for kind in (*FAMILIES, CLEAN)}
        self._mosaic_share, self._turn_share = mosaic_share, turn_share
        self._anywhere_share = anywhere_share
        self._cache = PhotoCache(cache_bytes)

    def of(self, kind: str) -> Sequence[Sample]:
        """The photos of a kind (`kinds`)."""
        return self._by_kind[kind]

    def kinds_drawn(self, source: str, rng: random.Random) -> tuple[str, ...]:
        """The kinds of the photos that a frame of the source is made of; none where all of it is rendered.

        The first thing that `draw` asks `rng` for.
        """
        match source:
            case "crack":
                return (CRACK,) * (4 if rng.random() < self._mosaic_share else 1)
            case "pasted_joint":
                return (CRACK,) if rng.random() < 0.3 else (JOINT,)
            case "drywall_joint" | "pasted_crack":
                return (JOINT,)
            case "clean":
                return (CLEAN,)
        return ()

    def draw(
        self,
        source: str,
        size: int,
        zoom: tuple[float, float],
        rng: random.Random,
        turns: Sequence[Sample] = (),
    ) -> Scene:
        """A frame (S, S, 3) of the source with its truths (S, S) per family.

        `turns` are the photos that it is made of, one for each of its kinds; without, chance chooses them.
        """
        drawn = self.kinds_drawn(source, rng)
        crops = [
            self._crop(kind, turns[place] if turns else rng.choice(self._by_kind[kind]), size, zoom, rng)
            for place, kind in enumerate(drawn)
        ]
        image, truths = crops[0] if len(crops) == 1 else _mosaic(crops, size)
        pasted = {"pasted_crack": CRACK, "pasted_joint": JOINT}.get(source)
        if pasted not in truths:  # nothing is pasted, or beside what may be there already
            return image, truths
        canvas = image.astype(np.float32)
        truths[pasted] = truths[pasted].copy()  # a crop of the frame's own size is the kept mask itself
        if source == "pasted_crack":
            add_cracks(canvas, truths[CRACK], rng)
        else:
            _add_seam(canvas, truths[JOINT], rng)
        return np.clip(canvas, 0, 255).astype(np.uint8), truths

    def _crop(
        self, kind: str, sample: Sample, size: int, zoom: tuple[float, float], rng: random.Random
    ) -> Scene:
        photo = self._cache.photo(sample)
        shown = next(iter(photo.masks.values())) if kind == CLEAN else photo.masks[kind]
        rows, columns = crop_window(shown, zoom, self._anywhere_share, rng)
        image = to_square(photo.image[rows, columns], size)
        truths = {name: to_square(mask[rows, columns], size) for name, mask in photo.masks.items()}
        if photo.seams is None or rng.random() >= self._turn_share:
            return image, truths
        scale = np.array([size / (columns.stop - columns.start), size / (rows.stop - rows.start)])
        lines = [(line - (columns.start, rows.start)) * scale for line in photo.seams]
        return _turned(image, truths, lines, rng)


def _mosaic(scenes: Sequence[Scene], size: int) -> Scene:
    """Four scenes in one, with the truths that all of them have."""
    known = (family for family in FAMILIES if all(family in truths for _, truths in scenes))
    truths = {family: mosaic([truths[family] for _, truths in scenes], size) for family in known}
    return mosaic([image for image, _ in scenes], size), truths


def _turned(image: Image, truths: Mapping[str, Image], lines: Sequence[Lines], rng: random.Random) -> Scene:
    """The frame turned and sheared about its centre: and its masks; boxes are drawn anew round lines."""
    size = len(image)
    full = rng.random() < FULL_TURN_SHARE
    angle = rng.uniform(-180, 180) if full else rng.gauss(0, SMALL_TURN_DEG)
    matrix = _turn(size, angle, rng)
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


def _turn(size: int, angle: float, rng: random.Random) -> NDArray[np.float64]:
    """(2, 3), of pixels: a turn by degrees about the frame's centre, and a shear for some."""
    centre = np.full(2, (size - 1) / 2)
    turned = cv2.getRotationMatrix2D(centre.tolist(), angle, rng.uniform(0.95, 1.25))
    matrix = np.asarray(turned, np.float64)
    if rng.random() < SHEAR_SHARE:
        shear = np.array([(1.0, rng.uniform(-SHEAR, SHEAR)), (rng.uniform(-SHEAR, SHEAR), 1.0)])
        matrix[:, 2] += matrix[:, :2] @ (centre - shear @ centre)
        matrix[:, :2] = matrix[:, :2] @ shear
    return matrix


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
