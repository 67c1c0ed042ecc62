"""Widths of centre lines, in pixels and, on a plane, in millimetres with lengths."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallscan.measure.lines import Steps
from wallscan.measure.scale import Plane

P95 = 0.95
_SAME_PLACE_PX = 0.01  # steps of one line follow each other to within rounding


@dataclass(frozen=True, slots=True)
class Widths:
    """A mean over the whole length, and the 95th percentile and maximum of what was measured across."""

    mean: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class OnWall:
    """Length and widths in millimetres."""

    length_mm: float
    widths_mm: Widths


def widths_px(steps: Steps, foreground_px: int) -> Widths:
    """Widths of a mask of `foreground_px` pixels with these steps, at least one.

    The mean is area over length, which is steadier than any average of widths; the others are twice the
    distance transform on the centre line, away from ends and branch points, each weighted by its length.
    """
    length_px, where = steps.length_px, steps.measurable
    return Widths(
        mean=foreground_px / float(length_px.sum()),
        p95=weighted_quantile(steps.width_px[where], length_px[where], P95),
        max=float(steps.width_px[where].max()),
    )


def longest_stretch_px(steps: Steps, least_px: float) -> float:
    """How far some centre line runs on without being narrower than `least_px` anywhere.

    Single wide spots, which a noisy mask has many of along a fine crack, do not add up to a stretch.
    """
    wide = steps.measurable & (steps.width_px >= least_px)
    starts, ends = steps.middle_px - steps.step_px / 2, steps.middle_px + steps.step_px / 2
    goes_on = wide[1:] & wide[:-1] & (np.hypot(*(starts[1:] - ends[:-1]).T) < _SAME_PLACE_PX)
    stretch = np.concatenate(([0], np.cumsum(~goes_on)))
    return float(np.bincount(stretch, weights=steps.length_px * wide).max())


def on_wall(steps: Steps, mean_width_px: float, plane: Plane) -> OnWall:
    """Length and widths on the wall, each step by the plane's scale at its place and in its direction.

    With the Jacobian J at a step t: the step is |J t| long, and as J keeps the share of areas, what is
    `width` wide across it is |det J| |t| / |J t| times as wide there.
    """
    jacobian = plane.jacobian(steps.middle_px)
    step_px = steps.length_px
    step_mm = np.hypot(*np.einsum("nij,nj->in", jacobian, steps.step_px))
    swept_mm2_per_px = np.abs(np.linalg.det(jacobian)) * step_px
    width_mm = steps.width_px * swept_mm2_per_px / step_mm
    length_mm, where = float(step_mm.sum()), steps.measurable
    widths = Widths(
        mean=mean_width_px * float(swept_mm2_per_px.sum()) / length_mm,
        p95=weighted_quantile(width_mm[where], step_mm[where], P95),
        max=float(width_mm[where].max()),
    )
    return OnWall(length_mm, widths)


def weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The least value (n,) up to which at least `share` of the weight (n,) lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    place = int(np.searchsorted(reached, share * reached[-1]))
    return float(values[order[min(place, len(order) - 1)]])
