"""From pixels of a photo to millimetres on the wall: by one factor, or by the plane that a marker lies in."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.scale import ScaleSource, UniformScale

MAX_STRETCH = 2.0
"""How far the scale may change between the marker and a crack: beyond that, the smallest error in the
marker's corners decides the result."""

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plane:
    """The wall as a plane: a homography (3, 3) from x, y in photo pixels to millimetres on it.

    `reference_px` is where the scale is known best: the middle of the marker.
    """

    homography: NDArray[np.float64]
    source: ScaleSource
    reference_px: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def uniform(cls, scale: UniformScale) -> Self:
        """A wall that the camera looked straight at."""
        return cls(np.diag((scale.mm_per_px, scale.mm_per_px, 1.0)), scale.source)

    @property
    def mm_per_px(self) -> float:
        """The scale at the reference point: the root of millimetres^2 per pixel^2."""
        return float(self.local_mm_per_px(np.array([self.reference_px]))[0])

    def to_mm(self, points_px: Points) -> Points:
        """Places (n, 2) on the wall in millimetres."""
        mapped = np.column_stack((points_px, np.ones(len(points_px)))) @ self.homography.T
        return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)

    def jacobian(self, points_px: Points) -> NDArray[np.float64]:
        """What a small step in the photo is on the wall, in mm per px: (n, 2, 2)."""
        depth = np.column_stack((points_px, np.ones(len(points_px)))) @ self.homography[2]
        moved = self.homography[:2, :2] - self.to_mm(points_px)[:, :, None] * self.homography[2, :2]
        return np.asarray(moved / depth[:, None, None], np.float64)

    def local_mm_per_px(self, points_px: Points) -> NDArray[np.float64]:
        """The root of millimetres^2 per pixel^2 at each point, (n,)."""
        return np.asarray(np.sqrt(np.abs(np.linalg.det(self.jacobian(points_px)))), np.float64)

    def reaches(self, points_px: Points) -> bool:
        """Whether all points (n, 2) lie on this side of the wall's horizon, where the plane can be seen."""
        every = np.concatenate((np.array([self.reference_px]), points_px))
        depth = np.column_stack((every, np.ones(len(every)))) @ self.homography[2]
        return bool((depth * depth[0] > 0).all())

    def holds_at(self, points_px: Points) -> bool:
        """Whether the scale at all points (n, 2) is within `MAX_STRETCH` of that at the reference."""
        if not self.reaches(points_px):
            return False
        stretch = self.local_mm_per_px(points_px) / self.mm_per_px
        return bool(((stretch < MAX_STRETCH) & (stretch > 1 / MAX_STRETCH)).all())
