"""What is known of a photo beside what the network says: its scale, its wall, its faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.area import Basis
from wallscan.domain.review import ReviewReason
from wallscan.domain.scale import MarkerScale, Point, Scale
from wallscan.measure.area import polygon_area
from wallscan.measure.marker import find_plane
from wallscan.measure.quality import photo_reasons
from wallscan.measure.scale import Plane
from wallscan.photos.decode import Photo, decode
from wallscan.records.tasks import Claim
from wallscan.wire.scale import Scale as WireScale

MARKER_DECODE_PX = 1500
"""Shorter side of the picture in which a marker is looked for: a 12-megapixel photo at half its size."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a person said of a photo: its scale, and the polygon of its wall in upright pixels."""

    scale: Scale | None = None
    wall_polygon_px: Sequence[Point] | None = None

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """The hints that come with a claim."""
        scale = None if claim.scale is None else WireScale.model_validate(claim.scale).domain()
        polygon = [(x, y) for x, y in claim.wall_polygon_px or ()]
        return cls(scale, polygon or None)


NO_HINTS = Hints()


@dataclass(frozen=True, slots=True)
class Scene:
    """The wall's plane where a scale is known; reasons to doubt the photo; the polygon's area, or None."""

    plane: Plane | None
    reasons: tuple[ReviewReason, ...]
    polygon: NDArray[np.uint8] | None

    def named(self, area: NDArray[np.uint8] | None) -> Basis:
        """What coverage within `area` is a share of."""
        if area is None:
            return Basis.PHOTO
        return Basis.WALL_POLYGON if area is self.polygon else Basis.WALL_PROMPT


def scene_of(photo: Photo, plane: Plane | ReviewReason | None, hints: Hints) -> Scene:
    """What there is to know of a photo, from its (perhaps reduced) pixels and what `plane_of` answered."""
    reasons = photo_reasons(photo.pixels)
    if isinstance(plane, ReviewReason):
        reasons.append(plane)
        plane = None
    return Scene(plane, tuple(reasons), _polygon(photo, hints.wall_polygon_px))


def plane_of(data: bytes, scale: Scale | None) -> Plane | ReviewReason | None:
    """The wall's plane in a photo's bytes, or why its marker gives none; None without a scale.

    Raises PhotoError with the codes of `decode` where a marker is to be looked for.
    """
    if scale is None:
        return None
    if not isinstance(scale, MarkerScale):
        return Plane.uniform(scale)
    # A second look, so that masks are the same with and without a marker to be found.
    large = decode(data, target_px=MARKER_DECODE_PX)
    grey: NDArray[Any] = cv2.cvtColor(large.pixels, cv2.COLOR_RGB2GRAY)
    return find_plane(grey, scale.side_mm, large.facts.width_px / grey.shape[1])


def _polygon(photo: Photo, polygon_px: Sequence[Point] | None) -> NDArray[np.uint8] | None:
    """The polygon's area; None without one, or where all of it lies outside the photo."""
    if polygon_px is None:
        return None
    area = polygon_area(polygon_px, photo.facts.height_px, photo.facts.width_px)
    return area if area.any() else None
