"""How far estimated coverage is from what was annotated, and how often its interval holds it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.intervals import clustered_interval
from wallscan.measure.coverage_estimate import estimated_coverage
from wallscan.measure.founding import eight_bit
from wallscan.measure.measured import as_probabilities
from wallscan.measure.presence import presence_score
from wallscan.models.manifest import Manifest

SEED = 0


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
    found = presence_score(as_probabilities(levels)) >= gate.presence
    told = estimated_coverage(levels, gate, found=found)
    if told.coverage_pct is None or told.low_pct is None or told.high_pct is None:
        return None
    return told.coverage_pct, told.low_pct, told.high_pct


def coverage_table(estimates: Sequence[Estimated]) -> dict[str, Any]:
    """By family, over its photos with the thing and without: errors, and how often the interval holds.

    Errors are estimated minus annotated, in percentage points.
    """
    table: dict[str, Any] = {}
    for family in sorted({one.family for one in estimates}):
        own = [one for one in estimates if one.family == family]
        parts = {
            "all": own,
            "with": [one for one in own if one.annotated_pct > 0],
            "without": [one for one in own if one.annotated_pct == 0],
        }
        table[family] = {name: _row(members) for name, members in parts.items() if members}
    return table


def rows(estimates: Sequence[Estimated]) -> list[dict[str, Any]]:
    """Every estimate, for the JSON document."""
    return [
        {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(one).items()}
        for one in estimates
    ]


def _row(members: Sequence[Estimated]) -> dict[str, Any]:
    groups = [one.group for one in members]
    errors = np.array([one.estimated_pct - one.annotated_pct for one in members])

    def interval(values: NDArray[np.float64]) -> dict[str, float]:
        found = asdict(clustered_interval(values, groups, seed=SEED))
        return {key: round(value, 4) for key, value in found.items()}

    return {
        "photos": len(members),
        "held_share": interval(np.array([float(one.held) for one in members])),
        "error_pct": interval(errors),
        "absolute_error_pct": interval(np.abs(errors)),
        "median_width_pct": round(float(np.median([one.high_pct - one.low_pct for one in members])), 4),
    }
