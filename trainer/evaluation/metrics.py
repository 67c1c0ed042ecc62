"""How well masks match the truth. All masks are (H, W) bool at the photo's own size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pixel counts of one mask against its truth."""

    intersection: int
    predicted: int
    actual: int

    @classmethod
    def of(cls, mask: Mask, truth: Mask) -> "Overlap":
        """Count."""
        return cls(int((mask & truth).sum()), int(mask.sum()), int(truth.sum()))

    @property
    def iou(self) -> float:
        """Foreground intersection over union; 1 where both are empty, 0 where one is."""
        union = self.predicted + self.actual - self.intersection
        return self.intersection / union if union else 1.0

    @property
    def dice(self) -> float:
        """Twice the intersection over the sum; 1 where both are empty."""
        total = self.predicted + self.actual
        return 2 * self.intersection / total if total else 1.0


def summary(overlaps: Sequence[Overlap]) -> dict[str, float]:
    """Means over images, and the pooled IoU in which every pixel counts the same."""
    pooled = Overlap(
        sum(overlap.intersection for overlap in overlaps),
        sum(overlap.predicted for overlap in overlaps),
        sum(overlap.actual for overlap in overlaps),
    )
    return {
        "images": len(overlaps),
        "mean_iou": round(float(np.mean([overlap.iou for overlap in overlaps])), 4),
        "mean_dice": round(float(np.mean([overlap.dice for overlap in overlaps])), 4),
        "pooled_iou": round(pooled.iou, 4),
    }
