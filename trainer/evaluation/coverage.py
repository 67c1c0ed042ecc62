"""The estimated coverage of a photo beside what was annotated on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallscan.measure.coverage_estimate import estimated_coverage
from wallscan.measure.founding import eight_bit
from wallscan.measure.measured import as_probabilities
from wallscan.measure.presence import presence_score
from wallscan.models.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Estimated:
    """Coverage of one photo by one family in per cent: annotated, estimated, and the interval's ends."""

    image: str
    group: str
    family: str
    annotated_pct: float
    estimated_pct: float
    low_pct: float
    high_pct: float

    @property
    def held(self) -> bool:
        """Whether the interval holds what was annotated."""
        return self.low_pct <= self.annotated_pct <= self.high_pct


def estimate(
    manifest: Manifest, prompt: str, probability: NDArray[np.float32]
) -> tuple[float, float, float] | None:
    """Estimate, low and high in per cent from a map (h, w); None where the model brings no interval."""
    gate, levels = manifest.gate_for(prompt), eight_bit(probability)
    found = presence_score(as_probabilities(levels), gate) >= gate.presence
    told = estimated_coverage(levels, gate, found=found)
    if told.coverage_pct is None or told.low_pct is None or told.high_pct is None:
        return None
    return told.coverage_pct, told.low_pct, told.high_pct
