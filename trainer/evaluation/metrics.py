"""How well masks match the truth. All masks are (H, W) bool at the photo's own size.

The rule for empty masks is the same in every score: both empty counts 1, one of them empty counts 0.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

Mask = NDArray[np.bool_]

REFERENCE_SIDE_PX = 640
"""Tolerances are given for a photo whose longer side has this many pixels, and grow with the photo."""
AREA_TOLERANCE_PX = 2.0
LINE_TOLERANCE_PX = 4.0
PROBABILITY_MARGIN = 1e-6
"""Probabilities are kept this far from 0 and 1 in the cross-entropy, so that one pixel costs at most 13.8."""


def ratio(part: float, whole: float) -> float:
    """part / whole; 1 where the whole is 0, since nothing was there and nothing was claimed."""
    return part / whole if whole else 1.0


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pixel counts of one mask against its truth."""

    intersection: int
    predicted: int
    actual: int
    pixels: int

    @classmethod
    def of(cls, mask: Mask, truth: Mask) -> "Overlap":
        """Count two masks of the same shape."""
        return cls(count(mask & truth), count(mask), count(truth), mask.size)

    @property
    def union(self) -> int:
        """Pixels in either."""
        return self.predicted + self.actual - self.intersection

    @property
    def iou(self) -> float:
        """Foreground intersection over union (Jaccard index)."""
        return ratio(self.intersection, self.union)

    @property
    def dice(self) -> float:
        """Twice the intersection over the sum of both areas (F1 over pixels)."""
        return ratio(2 * self.intersection, self.predicted + self.actual)

    @property
    def accuracy(self) -> float:
        """Share of pixels on which both agree."""
        return (self.pixels - self.union + self.intersection) / self.pixels


@dataclass(frozen=True, slots=True)
class Tolerant:
    """Pixel counts of one mask against its truth, forgiving `AREA_TOLERANCE_PX` of distance.

    A marked pixel is right when a true one lies within the tolerance, a true pixel is found when a marked one
    does. Crack papers count so because labels are drawn by hand: Shi et al., "Automatic Road Crack Detection
    Using Random Structured Forests", 2016, with 5 px; 2 px here.
    """

    predicted: int
    right: int
    actual: int
    found: int

    @property
    def f1(self) -> float:
        """Harmonic mean of right / predicted and found / actual."""
        if not self.predicted and not self.actual:
            return 1.0
        if not self.right or not self.found:
            return 0.0
        precision, recall = self.right / self.predicted, self.found / self.actual
        return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True, slots=True)
class CentreLine:
    """Skeleton pixels of one mask against those of its truth, forgiving `LINE_TOLERANCE_PX` of distance.

    `found` true pixels have a marked one within the tolerance, `missed` have none; `false` marked pixels have
    no true one within it. This is the clIoU of Benz and Rodehorst, "OmniCrack30k: A Benchmark for Crack
    Segmentation and the Reasonable Effectiveness of Transfer Learning", CVPR Workshops 2024, with their 4 px
    and a disc for the neighbourhood; skeletons are scikit-image's (Zhang and Suen's thinning).
    """

    found: int
    missed: int
    false: int

    @property
    def iou(self) -> float:
        """found / (found + missed + false)."""
        return ratio(self.found, self.found + self.missed + self.false)


@dataclass(frozen=True, slots=True)
class Scores:
    """All counts of one mask against its truth."""

    overlap: Overlap
    area: Tolerant
    line: CentreLine


class GroundTruth:
    """A true mask (H, W) bool, with what comparing many masks with it needs computed once."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        scale = max(mask.shape) / REFERENCE_SIDE_PX
        self._area_px, self._line_px = AREA_TOLERANCE_PX * scale, LINE_TOLERANCE_PX * scale

    @cached_property
    def _skeleton(self) -> Mask:
        return skeleton(self.mask)

    @cached_property
    def _near_area(self) -> Mask:
        return near(self.mask, self._area_px)

    @cached_property
    def _near_line(self) -> Mask:
        return near(self._skeleton, self._line_px)

    def scores(self, mask: Mask) -> Scores:
        """Everything that is counted about a mask of the truth's shape."""
        overlap = Overlap.of(mask, self.mask)
        if not overlap.predicted or not overlap.actual:  # nothing is near nothing
            length = count(skeleton(mask))
            line = CentreLine(0, count(self._skeleton), length)
            return Scores(overlap, Tolerant(overlap.predicted, 0, overlap.actual, 0), line)
        return Scores(overlap, self._tolerant(mask, overlap), self._line(mask))

    def _tolerant(self, mask: Mask, overlap: Overlap) -> Tolerant:
        right = count(mask & self._near_area)
        found = count(self.mask & near(mask, self._area_px))
        return Tolerant(overlap.predicted, right, overlap.actual, found)

    def _line(self, mask: Mask) -> CentreLine:
        marked = skeleton(mask)
        found = count(self._skeleton & near(marked, self._line_px))
        return CentreLine(found, count(self._skeleton) - found, count(marked & ~self._near_line))


def count(mask: Mask) -> int:
    """Pixels that are set."""
    return int(np.count_nonzero(mask))


def skeleton(mask: Mask) -> Mask:
    """Centre lines one pixel wide, (H, W) bool. Only the part that holds something is thinned."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    lines = np.zeros_like(mask)
    if len(rows):
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        lines[window] = skeletonize(mask[window])  # type: ignore[no-untyped-call]
    return lines


def near(mask: Mask, distance_px: float) -> Mask:
    """The pixels whose centre lies at most `distance_px` from a pixel of the mask, (H, W) bool."""
    if not mask.any():
        return np.zeros_like(mask)
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away <= distance_px + 1e-4, np.bool_)  # the square root of a whole number, in float32


def cross_entropy(probability: NDArray[np.float32], truth: Mask) -> float:
    """Mean binary cross-entropy in nats of a map (H, W) in [0, 1] against the truth."""
    right = np.where(truth, probability, 1 - probability)
    return float(-np.log(np.maximum(right, PROBABILITY_MARGIN)).mean(dtype=np.float64))
