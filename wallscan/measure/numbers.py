"""What is recorded about a mask and the map it came from."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.coverage import coverage_pct
from wallscan.measure.components import component_areas
from wallscan.measure.coverage_estimate import NO_ESTIMATE, CoverageEstimate


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one photo and prompt, named as the columns of its row.

    `presence`, `mean_probability`, `max_probability` and `threshold` are in [0, 1]; the threshold is None
    where the presence gate was shut. Pixels are those of the upright photo. The estimated coverage is that of
    `coverage_estimate`, with its 90 % interval; None where the model brings no calibration for such a map.
    """

    foreground_px: int
    analysed_px: int
    coverage_pct: float
    presence: float
    mean_probability: float
    max_probability: float
    threshold: float | None
    components: int
    largest_component_px: int
    estimated_coverage_pct: float | None
    estimated_low_pct: float | None
    estimated_high_pct: float | None


def numbers(
    mask: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    presence: float,
    threshold: float | None,
    estimate: CoverageEstimate = NO_ESTIMATE,
) -> Numbers:
    """Measure a mask (height, width), 0 or 255, and its map (h, w). Equal input gives equal numbers."""
    areas = component_areas(mask)
    foreground_px = int(areas.sum())
    return Numbers(
        foreground_px=foreground_px,
        analysed_px=mask.size,
        coverage_pct=coverage_pct(foreground_px, mask.size),
        presence=presence,
        mean_probability=float(probabilities.mean(dtype=np.float64)),
        max_probability=float(probabilities.max()),
        threshold=threshold,
        components=len(areas),
        largest_component_px=int(areas.max(initial=0)),
        estimated_coverage_pct=estimate.coverage_pct,
        estimated_low_pct=estimate.low_pct,
        estimated_high_pct=estimate.high_pct,
    )


def within(found: Numbers, mask: NDArray[np.uint8], area: NDArray[np.uint8]) -> Numbers:
    """The numbers of what lies in `area` (height, width), 0 or 255, which holds at least one pixel.

    What the map tells stays as it is. The estimated coverage, which is of the whole photo, is left out.
    """
    areas = component_areas(np.asarray(cv2.bitwise_and(mask, area), np.uint8))
    foreground_px, analysed_px = int(areas.sum()), cv2.countNonZero(area)
    return replace(
        found,
        foreground_px=foreground_px,
        analysed_px=analysed_px,
        coverage_pct=coverage_pct(foreground_px, analysed_px),
        components=len(areas),
        largest_component_px=int(areas.max(initial=0)),
        estimated_coverage_pct=None,
        estimated_low_pct=None,
        estimated_high_pct=None,
    )
