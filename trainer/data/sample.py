"""One annotated photo: its outlines per family, and the mask they make."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.classes import Classes, default_classes
from trainer.data.looks import Looks
from wallscan.domain.errors import PhotoError
from wallscan.photos.decode import decode
from wallscan.photos.hashing import sha256_hex
from wallscan.photos.masks import CocoRle, decode_rle

Points = NDArray[np.float32]
Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shape:
    """One annotated outline: (N, 2) float32 x, y in pixels; boxes are their four corners."""

    points: Points
    is_box: bool

    def draw(self, mask: Mask) -> None:
        """Set the pixels of `mask` (H, W) inside the outline to 255."""
        cv2.fillPoly(mask, [np.round(self.points).astype(np.int32)], 255)

    def content(self) -> bytes:
        """What it is made of, for a digest."""
        return (b"box" if self.is_box else b"polygon") + self.points.tobytes()


@dataclass(frozen=True, slots=True)
class Region:
    """One annotated set of pixels, as COCO's compressed run lengths of the whole photo."""

    runs: CocoRle
    is_box: bool = False

    def draw(self, mask: Mask) -> None:
        """Set the pixels of `mask` (H, W), which has the photo's size, that belong to the region to 255."""
        np.maximum(mask, decode_rle(self.runs), out=mask)

    def content(self) -> bytes:
        """What it is made of, for a digest."""
        return f"runs {self.runs['size']} {self.runs['counts']}".encode()


Truth = Shape | Region


@dataclass(frozen=True, slots=True)
class Sample:
    """One annotated photo. `group` is a name that all share which must stay on one side of a split.

    `shapes` holds the outlines of each family that was annotated; a family with none was looked for and is
    not there. `unsettled` are families that the photo says nothing of: nobody looked for them, or they were
    annotated in a way that cannot be used. `split` is the one that the data set gives it, `source` the photo
    that it is a copy of, `scene` the place (empty: unknown).
    """

    image: Path
    shapes: Mapping[str, tuple[Truth, ...]]
    group: str
    split: str = ""
    source: str = ""
    scene: str = ""
    looks: Looks = ()
    unsettled: frozenset[str] = frozenset()

    @property
    def families(self) -> tuple[str, ...]:
        """The families that are there."""
        return tuple(family for family, shapes in self.shapes.items() if shapes)

    def digest(self) -> bytes:
        """SHA-256 (32 bytes) over the photo's file and what is annotated on it, whatever its name."""
        with self.image.open("rb") as file:
            digest = hashlib.sha256(sha256_hex(file).encode())
        for family, shapes in sorted(self.shapes.items()):
            digest.update(f"\n{family}\n".encode())
            for shape in shapes:
                digest.update(hashlib.sha256(shape.content()).digest())
        for family in sorted(self.unsettled):
            digest.update(f"\nunsettled {family}\n".encode())
        return digest.digest()

    def truth(self, family: str, height: int, width: int) -> Mask:
        """The family's outlines as an (H, W) uint8 mask of 0 and 255."""
        return rasterise(self.shapes.get(family, ()), height, width)


@dataclass(frozen=True, slots=True)
class Photos:
    """Who learns and who judges: `held_out` fits gates and picks runs, `valid` is only reported on.

    `roots` are the folders that were read: what lies above them belongs to others. `split` names the split
    that parted them; None where none did.
    """

    train: Sequence[Sample]
    held_out: Sequence[Sample]
    valid: Sequence[Sample]
    classes: Classes = field(default_factory=default_classes)
    roots: Sequence[Path] = ()
    split: str | None = None

    def digest(self) -> str:
        """The `digest_of` the photos learnt from and held out."""
        return digest_of((*self.train, *self.held_out))


def digest_of(samples: Iterable[Sample]) -> str:
    """SHA-256 (hex) over photos and what is annotated on them; it depends on no name, folder or order."""
    return hashlib.sha256(b"".join(sorted(sample.digest() for sample in samples))).hexdigest()


def load_rgb(path: Path) -> Mask:
    """An image file as (H, W, 3) uint8 RGB, upright. Raises ValueError when it cannot be decoded."""
    try:
        return decode(path.read_bytes()).pixels
    except (OSError, PhotoError) as error:
        raise ValueError(f"cannot decode {path.name}: {error}") from error


def rasterise(shapes: Iterable[Truth], height: int, width: int) -> Mask:
    """Shapes as an (H, W) uint8 mask of 0 and 255."""
    mask = np.zeros((height, width), np.uint8)
    for shape in shapes:
        shape.draw(mask)
    return mask
