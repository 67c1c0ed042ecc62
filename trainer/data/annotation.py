"""What an annotation file says of one photo, before the photo is opened."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.report import Reason
from wallscan.photos.masks import CocoRle

Coordinates = NDArray[np.float64]
RELATIVE = (1, 1)
"""The size of an annotation whose coordinates are shares of the photo's width and height."""
FARTHEST = 1e7
"""Coordinates beyond this are no photo's."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One annotated thing as the file has it: an outline (N, 2) x, y, run lengths, or why it is neither."""

    class_name: str
    outline: Coordinates | CocoRle | Reason
    is_box: bool = False
    is_crowd: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """All marks of one photo; None where they cannot be read, which the report has. `origin` is for people.

    `size` is the (width, height) that the marks are drawn on, `RELATIVE`, or None for the photo's own.
    `families` are those that were looked for on this very photo; None where that is the data set's matter.
    With `others_unknown` nobody looked for any other, and each of them stands for itself.
    """

    image: Path
    origin: str
    layout: str
    data_set: str
    split: str
    marks: tuple[Mark, ...] | None = ()
    size: tuple[int, int] | None = None
    families: frozenset[str] | None = None
    others_unknown: bool = False


def polygon(values: Iterable[float]) -> Coordinates | Reason:
    """x1, y1, x2, y2, ... as (N, 2); a reason where that is no polygon."""
    flat = np.array(list(values), np.float64)
    if len(flat) % 2 or not (np.abs(flat) <= FARTHEST).all():  # not a number: never
        return Reason.OUTLINE_BROKEN
    return flat.reshape(-1, 2) if len(flat) >= 6 else Reason.OUTLINE_DEGENERATE


def box(left: float, top: float, right: float, bottom: float) -> Coordinates | Reason:
    """The corners (4, 2); a reason where one is no number."""
    return polygon((left, top, right, top, right, bottom, left, bottom))
