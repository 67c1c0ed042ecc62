"""The gate: is a version worse than the one that serves? docs/decisions/0007 says why it is asked this way.

Both answer the same photos, and what is looked at is their difference photo by photo. Whole source photos
are drawn in the bootstrap. A version passes where each difference is surely no worse than a margin: where the
bound of its one-sided 95 % interval is.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from trainer.benchmark import Benchmark
from trainer.evaluation.intervals import paired_difference
from trainer.evaluation.judge import FAMILY_PROMPTS, UNKNOWN_PROMPT, Questions, Verdict, judge
from trainer.evaluation.ways import RAW
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.segment.engine import Engine
from wallscan.wire.models import Check, Measured

TWO_SIDED_LEVEL = 0.90
"""Each of its two bounds is a one-sided 95 % bound."""
IOU_MARGIN = 0.03
"""Lost foreground IoU that is put up with, per family."""
FIRED_MARGIN = 0.05
"""More questions with a false find that are put up with, as a share."""
MIN_GROUPS = 10
"""Source photos that a check needs: a bootstrap over fewer is no bound."""
SEED = 0
QUESTIONS = Questions(squares_of=("crack",))

Values = Mapping[tuple[Any, ...], float]
"""What came of each question, by what identifies it; the source photo comes first."""


def compare(model: Engine, active: Engine, benchmark: Benchmark) -> tuple[Measured, str | None]:
    """What both come to, and the reason for refusing `model`, if there is one.

    Raises TrainingError `benchmark_unusable` where too few photos show anything.
    """
    ours, theirs = (judge(engine, benchmark.samples, QUESTIONS) for engine in (model, active))
    ious = [(family, _ious(ours, family), _ious(theirs, family)) for family in FAMILY_PROMPTS]
    checks = [
        _check(f"{family}: foreground IoU", *both, more_is_better=True)
        for family, *both in ious
        if len(_groups(both[0])) >= MIN_GROUPS
    ]
    if not checks:
        raise TrainingError(
            Code.BENCHMARK_UNUSABLE,
            f"{benchmark.name}: no family is annotated on {MIN_GROUPS} readable source photos or more"
            f"{f', without {benchmark.left_out} learnt from' if benchmark.left_out else ''}",
        )
    checks += _checks_of_silence(ours, theirs)
    measured = Measured(
        benchmark=benchmark.name,
        benchmark_sha256=benchmark.sha256,
        photos=len({(row.group, row.image) for row in ours.judged}),
        groups=len({row.group for row in ours.judged}),
        left_out=benchmark.left_out,
        checks=checks,
    )
    return measured, _refusal(measured)


def _ious(verdict: Verdict, family: str) -> Values:
    """Of the map cut at 0.5, on the photos that show the family."""
    return {
        (row.group, row.image): row.scores[RAW].overlap.iou
        for row in verdict.judged
        if row.family == family and row.scores[RAW].overlap.actual
    }


def _groups(values: Values) -> set[str]:
    return {str(group) for group, *_ in values}


def _checks_of_silence(ours: Verdict, theirs: Verdict) -> Iterator[Check]:
    """Each family by itself, and what is no family: one that keeps silent hides none that does not."""
    kinds = (("prompts that fire where it is not", False), ("false alarms on clean parts", True))
    for family, (kind, on_squares) in product((*FAMILY_PROMPTS, None), kinds):
        fired = _fired(ours, family, on_squares=on_squares)
        if len(_groups(fired)) >= MIN_GROUPS:
            others = _fired(theirs, family, on_squares=on_squares)
            yield _check(f"{family or UNKNOWN_PROMPT}: {kind}", fired, others, more_is_better=False)


def _fired(verdict: Verdict, family: str | None, *, on_squares: bool) -> Values:
    """Whether a prompt for what is not there marked more than a speck, on whole photos or on clean parts."""
    return {
        (row.group, row.image, row.prompt, row.square): float(row.fired(RAW))
        for row in verdict.negatives
        if row.family == family and (row.square is not None) is on_squares
    }


def _check(name: str, ours: Values, theirs: Values, *, more_is_better: bool) -> Check:
    model, active = ([side[question] for question in ours] for side in (ours, theirs))
    groups = [str(question[0]) for question in ours]
    difference = paired_difference(model, active, groups, seed=SEED, level=TWO_SIDED_LEVEL)
    margin = IOU_MARGIN if more_is_better else FIRED_MARGIN
    return Check(
        name=name,
        more_is_better=more_is_better,
        model=float(np.mean(model)),
        active=float(np.mean(active)),
        difference=difference.mean,
        low=difference.low,
        high=difference.high,
        margin=margin,
        passed=difference.low >= -margin if more_is_better else difference.high <= margin,
    )


def _refusal(measured: Measured) -> str | None:
    failed = [_told(check) for check in measured.checks if not check.passed]
    if not failed:
        return None
    where = f"{measured.benchmark} ({measured.judged_on})"
    return f"not sure to be as good as the active version on {where}: {'; '.join(failed)}"


def _told(check: Check) -> str:
    limit = f"at least -{check.margin:.2f}" if check.more_is_better else f"at most +{check.margin:.2f}"
    return (
        f"{check.name} {check.model:.3f} against {check.active:.3f}, difference {check.difference:+.3f} "
        f"[{check.low:+.3f}, {check.high:+.3f}], {limit} is needed"
    )
