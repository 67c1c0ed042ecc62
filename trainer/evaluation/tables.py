"""From rows to tables, as plain dicts (docs/evaluation.md names every key).

Shares and scores are in 0..1, cross-entropies in nats.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from trainer.evaluation.intervals import (
    Interval,
    Numbers,
    clustered_interval,
    clustered_statistic,
    paired_difference,
    ratio_of_totals,
)
from trainer.evaluation.judge import Judged, Negative, Verdict
from trainer.evaluation.metrics import Scores, ratio
from trainer.evaluation.ways import PIPELINES, RAW, WAYS

SEED = 0
TIE = 0.001
"""Raw and post-processed differ by at most this much foreground IoU: neither wins."""
ALL = "all"

PER_PHOTO: Mapping[str, Callable[[Scores], float]] = {
    "photo_iou": lambda one: one.overlap.iou,
    "dice": lambda one: one.overlap.dice,
    "pixel_accuracy": lambda one: one.overlap.accuracy,
    "tolerance_f1": lambda one: one.area.f1,
    "centre_line_iou": lambda one: one.line.iou,
}
"""Scores of a photo, averaged over photos."""


def interval(found: Interval) -> dict[str, float]:
    """An interval's JSON."""
    return {key: round(value, 4) for key, value in dataclasses.asdict(found).items()}


def summary(verdict: Verdict) -> dict[str, Any]:
    """Per family and over all, for a manifest: means by way, and how often wrong prompts fire."""
    return {
        name: {way: _means(judged, _wrong(negatives), way) for way in WAYS}
        for name, judged, negatives in _groups(verdict)
    }


def report_table(verdict: Verdict) -> dict[str, Any]:
    """The founding report's table: mean and deviation over photos, and each pipeline against the raw cut."""
    return {
        name: {
            "photos": len(judged),
            "cross_entropy": round(float(np.mean([one.cross_entropy for one in judged])), 4),
            **{way: _mean_and_deviation(judged, way) for way in WAYS},
            "against_raw": {way: _against_raw(judged, way) for way in PIPELINES},
        }
        for name, judged, _ in _groups(verdict)
    }


def honest_table(verdict: Verdict) -> dict[str, Any]:
    """Every score by way, with its interval over source photos; the map's cross-entropy (nats) has no way."""
    return {
        name: {
            "photos": len(judged),
            "groups": len({one.group for one in judged}),
            "negatives": len(_wrong(negatives)),
            "cross_entropy": _cross_entropy(judged),
            **{way: _scores(judged, _wrong(negatives), way) for way in WAYS},
        }
        for name, judged, negatives in _groups(verdict)
    }


def _groups(verdict: Verdict) -> list[tuple[str, list[Judged], list[Negative]]]:
    """(name, rows, rows in which its prompts are wrong): each family that was judged, and all together."""
    families = sorted({one.family for one in verdict.judged})
    groups = [
        (
            family,
            [one for one in verdict.judged if one.family == family],
            [one for one in verdict.negatives if one.family == family],
        )
        for family in families
    ]
    return [*groups, (ALL, verdict.judged, verdict.negatives)] if families else []


def _wrong(negatives: Sequence[Negative]) -> list[Negative]:
    """Whole photos asked for a family that is not there, by the family's first phrase."""
    return [one for one in negatives if one.square is None and one.family is not None and one.is_first]


def _means(judged: Sequence[Judged], wrong: Sequence[Negative], way: str) -> dict[str, Any]:
    overlaps = [one.scores[way].overlap for one in judged]
    pooled = ratio(sum(one.intersection for one in overlaps), sum(one.union for one in overlaps))
    fired = {"wrong_prompt_fired": round(float(np.mean([one.fired(way) for one in wrong])), 4)}
    return {
        "images": len(overlaps),
        "mean_iou": round(float(np.mean([one.iou for one in overlaps])), 4),
        "mean_dice": round(float(np.mean([one.dice for one in overlaps])), 4),
        "pooled_iou": round(pooled, 4),
    } | (fired if wrong else {})


def _mean_and_deviation(judged: Sequence[Judged], way: str) -> dict[str, dict[str, float]]:
    """The deviation is the sample's (n - 1); a single photo has 0."""
    table = {}
    for key in ("photo_iou", "dice", "pixel_accuracy"):
        values = [PER_PHOTO[key](one.scores[way]) for one in judged]
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        table[key] = {"mean": round(float(np.mean(values)), 4), "sd": round(deviation, 4)}
    return table


def _against_raw(judged: Sequence[Judged], way: str) -> dict[str, Any]:
    """Photo by photo: how often the pipeline beats the raw cut by foreground IoU, and by how much."""
    groups = [one.group for one in judged]
    values = {
        key: [np.array([PER_PHOTO[key](one.scores[side]) for one in judged]) for side in (way, RAW)]
        for key in ("photo_iou", "dice")
    }
    gain = np.subtract(*values["photo_iou"])
    return {
        "win": int((gain > TIE).sum()),
        "tie": int((np.abs(gain) <= TIE).sum()),
        "loss": int((gain < -TIE).sum()),
        **{
            f"{key}_difference": interval(paired_difference(ours, plain, groups, seed=SEED))
            for key, (ours, plain) in values.items()
        },
    }


def _scores(judged: Sequence[Judged], wrong: Sequence[Negative], way: str) -> dict[str, dict[str, float]]:
    groups = [one.group for one in judged]
    scores = [one.scores[way] for one in judged]
    table = {
        key: clustered_interval([score(one) for one in scores], groups, seed=SEED)
        for key, score in PER_PHOTO.items()
    }
    overlaps = [one.overlap for one in scores]
    counts = [(one.intersection, one.union, one.pixels) for one in overlaps]
    lines = [(one.line.found, one.line.found + one.line.missed + one.line.false) for one in scores]
    table["pooled_iou"] = clustered_statistic(counts, groups, ratio_of_totals, seed=SEED)
    table["pooled_fg_bg_iou"] = clustered_statistic(counts, groups, both_classes_iou, seed=SEED)
    table["pooled_centre_line_iou"] = clustered_statistic(lines, groups, ratio_of_totals, seed=SEED)
    if wrong:
        table |= _silence(wrong, way)
    return {key: interval(value) for key, value in table.items()}


def _cross_entropy(judged: Sequence[Judged]) -> dict[str, float]:
    values, groups = [one.cross_entropy for one in judged], [one.group for one in judged]
    return interval(clustered_interval(values, groups, seed=SEED))


def _silence(wrong: Sequence[Negative], way: str) -> dict[str, Interval]:
    groups = [one.group for one in wrong]
    silent = [float(not one.fired(way)) for one in wrong]
    unmarked = [1 - one.marked[way] for one in wrong]
    return {
        "specificity": clustered_interval(silent, groups, seed=SEED),
        "pixel_specificity": clustered_interval(unmarked, groups, seed=SEED),
    }


def both_classes_iou(totals: Numbers) -> Numbers:
    """Mean of foreground and background IoU, (draws,), from totals (draws, 3) of intersection, union, pixels.

    The mIoU of papers on cracks, as mmsegmentation and PASCAL VOC count it: pooled over all photos.
    """
    intersection, union, pixels = totals.T
    background = np.stack((pixels - union, pixels - intersection), axis=-1)
    return (ratio_of_totals(totals) + ratio_of_totals(background)) / 2
