"""What the choice of words costs: the same photos asked in several phrasings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainer.evaluation.intervals import paired_difference
from trainer.evaluation.judge import Judged, Verdict
from trainer.evaluation.tables import SEED, interval


def phrasings(verdict: Verdict) -> dict[str, Any]:
    """Per family the mean raw foreground IoU of each phrase, and the worst minus the best."""
    return {
        family: _spread([one for one in verdict.judged if one.family == family])
        for family in sorted({one.family for one in verdict.judged})
    }


def _spread(judged: Sequence[Judged]) -> dict[str, Any]:
    """The interval is that of the two phrases which came out worst and best on these photos."""
    values = {phrase: [one.phrasings[phrase] for one in judged] for phrase in judged[0].phrasings}
    means = {phrase: float(np.mean(scores)) for phrase, scores in values.items()}
    worst, best = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    groups = [one.group for one in judged]
    return {
        "photo_iou": {phrase: round(mean, 4) for phrase, mean in means.items()},
        "worst": worst,
        "best": best,
        "worst_minus_best": interval(paired_difference(values[worst], values[best], groups, seed=SEED)),
    }
