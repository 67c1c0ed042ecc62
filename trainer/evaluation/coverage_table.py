"""How far estimated coverage is from what was annotated, and how often its interval holds it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.coverage import Estimated
from trainer.evaluation.intervals import clustered_interval
from trainer.evaluation.tables import SEED, interval


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

    def over_photos(values: NDArray[np.float64]) -> dict[str, float]:
        return interval(clustered_interval(values, groups, seed=SEED))

    return {
        "photos": len(members),
        "held_share": over_photos(np.array([float(one.held) for one in members])),
        "error_pct": over_photos(errors),
        "absolute_error_pct": over_photos(np.abs(errors)),
        "median_width_pct": round(float(np.median([one.high_pct - one.low_pct for one in members])), 4),
    }
