"""What a faster precision costs on annotated photos, against float32: the reason to admit it, or not to."""

from collections.abc import Sequence

import numpy as np

from trainer.data import Sample, digest_of
from trainer.evaluation.judge import Judged, judge
from trainer.evaluation.ways import WAYS
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.manifest import PrecisionCheck
from wallscan.segment.engine import Engine


def precision_check(fast: Engine, exact: Engine, samples: Sequence[Sample]) -> PrecisionCheck:
    """Ask both engines of one bundle about the same photos; of all ways to make a mask the worst counts.

    Raises TrainingError `benchmark_unusable` where no readable photo shows anything.
    """
    verdicts = [judge(engine, samples) for engine in (fast, exact)]
    ours, theirs = ([row for row in verdict.judged if _shows(row)] for verdict in verdicts)
    if not theirs:
        raise TrainingError(Code.BENCHMARK_UNUSABLE, "no photo is annotated and readable")
    return PrecisionCheck(
        mean_iou_drop=max(_mean_iou(theirs, way) - _mean_iou(ours, way) for way in WAYS),
        coverage_change=max((_change(_marked(ours, way), _marked(theirs, way)) for way in WAYS), key=abs),
        photos=len(samples) - len(verdicts[1].left_out),
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
