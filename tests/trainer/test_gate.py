"""The gate's statistics on verdicts that are made up: what is refused, what passes, and what is said."""

import numpy as np
import pytest

from tests.trainer.evaluation.scene import KnowingEngine
from trainer import gate
from trainer.benchmark import Benchmark, rendered_walls
from trainer.evaluation.judge import Judged, Negative, Verdict
from trainer.evaluation.metrics import CentreLine, Overlap, Scores, Tolerant
from trainer.evaluation.negatives import Square
from trainer.evaluation.ways import WAYS
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

BENCHMARK = Benchmark("made up", "0" * 64, ())
SQUARE = Square(0, 0, 8)
NOISE = np.random.default_rng(5).normal(0, 0.05, 400)


def judged(number, iou, family="crack", group=None):
    found = round(1000 * float(np.clip(iou, 0, 1)))
    scores = Scores(Overlap(found, found, 1000, 10_000), Tolerant(0, 0, 0, 0), CentreLine(0, 0, 0))
    return Judged(
        image=f"{number}.png",
        group=group or f"source {number}",
        family=family,
        prompt=family,
        cross_entropy=0.1,
        scores=dict.fromkeys(WAYS, scores),
        phrasings={},
    )


def negative(number, *, fired, square=None, family="drywall joint"):
    return Negative(
        image=f"{number}.png",
        group=f"source {number}",
        family=family,
        prompt=family or "a cat",
        is_first=True,
        square=square,
        has_family=False,
        marked=dict.fromkeys(WAYS, 0.5 if fired else 0.0),
    )


def verdict(ious, fired_share=0.0, alarm_share=0.0):
    count = len(ious)
    negatives = [negative(number, fired=number < fired_share * count) for number in range(count)]
    negatives += [
        negative(number, fired=number < alarm_share * count, square=SQUARE) for number in range(count)
    ]
    return Verdict([judged(number, iou) for number, iou in enumerate(ious)], negatives)


@pytest.fixture
def compared(monkeypatch):
    """What the gate says of two verdicts, the new version's first."""

    def compare(ours, theirs):
        answers = iter((ours, theirs))
        monkeypatch.setattr(gate, "judge", lambda *_: next(answers))
        return gate.compare(KnowingEngine(), KnowingEngine(), BENCHMARK)

    return compare


def spread(count=200, mean=0.5):
    return mean + np.random.default_rng(1).normal(0, 0.15, count)


def test_an_equal_version_passes_however_much_photos_differ(compared):
    measured, refusal = compared(verdict(spread()), verdict(spread()))
    assert refusal is None
    assert [check.passed for check in measured.checks] == [True] * 3
    assert {check.difference for check in measured.checks} == {0.0}
    assert (measured.photos, measured.groups, measured.benchmark_sha256) == (200, 200, "0" * 64)


def test_a_better_version_passes(compared):
    theirs = spread()
    measured, refusal = compared(verdict(theirs + 0.1 + NOISE[:200]), verdict(theirs, 0.1, 0.1))
    assert refusal is None
    assert measured.checks[0].low > 0.05
    assert measured.checks[1].high < 0


def test_a_worse_version_is_refused_with_the_reason(compared):
    theirs = spread()
    measured, refusal = compared(verdict(theirs - 0.1 + NOISE[:200]), verdict(theirs))
    assert [check.passed for check in measured.checks] == [False, True, True]
    assert refusal is not None
    assert "crack: foreground IoU" in refusal
    assert "at least -0.03 is needed" in refusal
    assert "made up (200 photos of 200 source photos)" in refusal


def test_the_same_loss_passes_within_the_margin_and_not_without_enough_photos(compared):
    theirs = spread(400)
    assert compared(verdict(theirs - 0.01 + NOISE), verdict(theirs))[1] is None
    few = spread(12)
    assert compared(verdict(few - 0.01 + 2 * NOISE[:12]), verdict(few))[1] is not None


@pytest.mark.parametrize(
    ("shares", "name"),
    [
        ((0.2, 0.0), "drywall joint: prompts that fire where it is not"),
        ((0.0, 0.2), "drywall joint: false alarms on clean parts"),
    ],
)
def test_one_that_finds_more_of_what_is_not_there_is_refused(compared, shares, name):
    theirs = spread()
    _, refusal = compared(verdict(theirs, *shares), verdict(theirs))
    assert refusal is not None
    assert f"{name} 0.200 against 0.000" in refusal


def test_a_family_that_keeps_silent_hides_none_that_fires(compared):
    def firing(cracks, joints):
        rows = [negative(number, fired=number < joints) for number in range(200)]
        rows += [negative(number, fired=number < 200 + cracks, family="crack") for number in range(200, 400)]
        rows += [negative(number, fired=False, family=None) for number in range(400)]
        return Verdict([judged(number, 0.5) for number in range(200)], rows)

    measured, refusal = compared(firing(cracks=40, joints=0), firing(cracks=20, joints=20))
    assert {check.name: check.passed for check in measured.checks} == {
        "crack: foreground IoU": True,
        "crack: prompts that fire where it is not": False,
        "drywall joint: prompts that fire where it is not": True,
        "a cat: prompts that fire where it is not": True,
    }
    assert refusal is not None


def test_a_gain_in_one_family_does_not_pay_for_a_loss_in_the_other(compared):
    def both(crack, joint):
        rows = [judged(number, crack) for number in range(40)]
        rows += [judged(number, joint, "drywall joint") for number in range(40, 80)]
        return Verdict(rows, [])

    measured, refusal = compared(both(0.9, 0.3), both(0.5, 0.5))
    assert [(check.name, check.passed) for check in measured.checks] == [
        ("crack: foreground IoU", True),
        ("drywall joint: foreground IoU", False),
    ]
    assert refusal is not None


def test_copies_of_a_photo_are_no_more_evidence_than_one(compared):
    def copied(ious):
        return Verdict(
            [judged(number, iou, group=f"source {number % 12}") for number, iou in enumerate(ious)], []
        )

    theirs = np.tile(spread(12), 30)
    ours = theirs - 0.01 + np.tile(2 * NOISE[:12], 30)
    assert compared(copied(ours), copied(theirs))[1] is not None


def test_too_few_source_photos_bound_nothing(compared):
    few = Verdict([judged(number, 0.5, group=f"source {number % 9}") for number in range(200)], [])
    with pytest.raises(TrainingError) as refused:
        compared(few, few)
    assert refused.value.code is Code.BENCHMARK_UNUSABLE


def test_rendered_walls_are_the_same_each_time_and_gone_afterwards():
    with rendered_walls(2) as first, rendered_walls(2) as second:
        assert (first.sha256, len(first.samples)) == (second.sha256, 6)
        assert all(sample.image.is_file() for sample in first.samples)
        assert [sample.families for sample in first.samples[:3]] == [("crack",), ("drywall joint",), ()]
    assert not first.samples[0].image.exists()
