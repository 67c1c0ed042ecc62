"""How large a photo's pixels are on the wall, and how that came to be known."""

import math
from dataclasses import dataclass
from enum import StrEnum

MIN_MM_PER_PX, MAX_MM_PER_PX = 0.001, 100.0
"""From a microscope to a facade in one photo; anything else is a slip of the keyboard."""

Point = tuple[float, float]
"""x and y in pixels of the upright photo; (0, 0) is the middle of its first pixel."""


class ScaleSource(StrEnum):
    """Where a scale came from. Values are part of the public contract."""

    GIVEN = "given"  # millimetres per pixel, said by a person
    TWO_POINTS = "two_points"  # two points of the photo whose distance is known
    MARKER = "marker"  # a printed marker of known size in the photo


@dataclass(frozen=True, slots=True)
class UniformScale:
    """One scale for a whole photo: right where the camera looked straight at the wall."""

    mm_per_px: float
    source: ScaleSource


@dataclass(frozen=True, slots=True)
class MarkerScale:
    """The side of the printed marker's black square, in millimetres; it is looked for in the photo."""

    side_mm: float


Scale = UniformScale | MarkerScale


def scale_of_points(one: Point, other: Point, distance_mm: float) -> UniformScale:
    """The scale of two points that lie `distance_mm` apart on the wall.

    Raises ValueError where the points are the same, or the scale is none that a photo can have.
    """
    distance_px = math.dist(one, other)
    if not distance_px:
        raise ValueError("the two points are the same")
    mm_per_px = distance_mm / distance_px
    if not MIN_MM_PER_PX <= mm_per_px <= MAX_MM_PER_PX:
        raise ValueError(f"{mm_per_px:.3g} mm per pixel is outside {MIN_MM_PER_PX} to {MAX_MM_PER_PX}")
    return UniformScale(mm_per_px, ScaleSource.TWO_POINTS)
