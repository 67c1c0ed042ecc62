"""What a faster precision costs on annotated photos, against float32: the reason to admit it, or not to."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from trainer.data import Sample, digest_of
from trainer.evaluation.judge import Judged, Verdict, judge
from trainer.evaluation.ways import WAYS
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.manifest import FastPrecision, PrecisionCheck
from wallscan.segment.engine import Engine
from wallscan.segment.openvino_runtime import Precision

RUN_IN: Mapping[FastPrecision, tuple[Precision, ...]] = {"bf16": ("bf16",), "int8": ("int8", "int8_bf16")}
"""What a worker may compute in once a precision is admitted: the worst of it counts."""


def checked_precisions(
    opened: Callable[[Precision], Engine],
    tried: Sequence[FastPrecision],
    samples: Sequence[Sample],
    watched: Callable[[Sequence[Sample], Precision], Iterable[Sample]] = lambda samples, _: samples,
) -> dict[FastPrecision, PrecisionCheck]:
    """What each precision costs on these photos; of all ways to make a mask the worst counts.

    `opened` gives one bundle's engine in a precision; each judges the photos as `watched` hands them over.
    Raises TrainingError `benchmark_unusable` where no readable photo shows anything.
    """

    def judged(precision: Precision) -> Verdict:
        return judge(opened(precision), watched(samples, precision))

    exact = judged("f32")
    return {
        name: _worst([_compared(judged(each), exact, samples) for each in RUN_IN[name]]) for name in tried
    }


def _worst(checks: Sequence[PrecisionCheck]) -> PrecisionCheck:
    return checks[0].model_copy(
        update={
            "mean_iou_drop": max(check.mean_iou_drop for check in checks),
            "coverage_change": max((check.coverage_change for check in checks), key=abs),
        }
    )


def _compared(fast: Verdict, exact: Verdict, samples: Sequence[Sample]) -> PrecisionCheck:
    ours, theirs = ([row for row in verdict.judged if _shows(row)] for verdict in (fast, exact))
    if not theirs:
        raise TrainingError(Code.BENCHMARK_UNUSABLE, "no photo is annotated and readable")
    return PrecisionCheck(
        mean_iou_drop=max(_mean_iou(theirs, way) - _mean_iou(ours, way) for way in WAYS),
        coverage_change=max((_change(_marked(ours, way), _marked(theirs, way)) for way in WAYS), key=abs),
        photos=len(samples) - len(exact.left_out),
        benchmark_digest=digest_of(samples),
    )


def _shows(row: Judged) -> bool:
    return any(scores.overlap.actual for scores in row.scores.values())


def _mean_iou(rows: Sequence[Judged], way: str) -> float:
    return float(np.mean([row.scores[way].overlap.iou for row in rows]))


def _marked(rows: Sequence[Judged], way: str) -> int:
    return sum(row.scores[way].overlap.predicted for row in rows)


def _change(ours: int, theirs: int) -> float:
    """Relative to `theirs`; all where there was nothing."""
    return (ours - theirs) / theirs if theirs else float(ours > 0)
