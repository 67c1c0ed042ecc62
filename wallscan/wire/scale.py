"""How large a photo's pixels are, as a client says it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from wallscan.domain import scale as domain
from wallscan.domain.scale import MAX_MM_PER_PX, MIN_MM_PER_PX, MarkerScale, ScaleSource, UniformScale
from wallscan.wire.common import Body

Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]
PointPx = tuple[Coordinate, Coordinate]


class Scale(Body):
    """One of three: `mm_per_px`; `points_px` with their `distance_mm`; or `marker_side_mm`.

    Pixels are those of the upright photo at its own size.
    """

    mm_per_px: float | None = Field(default=None, ge=MIN_MM_PER_PX, le=MAX_MM_PER_PX)
    points_px: tuple[PointPx, PointPx] | None = Field(default=None, description="two points, each x and y")
    distance_mm: float | None = Field(default=None, gt=0, le=1e6, description="between the two points")
    marker_side_mm: float | None = Field(
        default=None, ge=5, le=2000, description="side of the black square of a printed marker in the photo"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.mm_per_px, self.points_px, self.marker_side_mm)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give one of mm_per_px, points_px with distance_mm, or marker_side_mm")
        if (self.points_px is None) != (self.distance_mm is None):
            raise ValueError("points_px and distance_mm belong together")
        self.domain()
        return self

    def domain(self) -> domain.Scale:
        """The same as the worker uses it."""
        if self.mm_per_px is not None:
            return UniformScale(self.mm_per_px, ScaleSource.GIVEN)
        if self.points_px is not None and self.distance_mm is not None:
            return domain.scale_of_points(*self.points_px, self.distance_mm)
        return MarkerScale(self.marker_side_mm or 0.0)
