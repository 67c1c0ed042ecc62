"""Scores against hand-made masks and against independent implementations."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.morphology import disk, skeletonize
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, log_loss

from trainer.evaluation.metrics import (
    CentreLine,
    GroundTruth,
    Overlap,
    Tolerant,
    cross_entropy,
    near,
    skeleton,
)

SIDE = 24
masks = arrays(bool, (SIDE, SIDE))


@st.composite
def blobs(draw):
    """Connected shapes of some size, as real masks have; now and then none."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(draw(st.integers(0, 3))):
        start, end = ([draw(st.integers(0, SIDE - 1)) for _ in range(2)] for _ in range(2))
        cv2.line(mask, start, end, 1, draw(st.integers(1, 6)))
    return mask > 0


def row(*pixels):
    return np.array([pixels], bool)


def test_overlap_by_hand():
    overlap = Overlap.of(row(1, 1, 1, 0, 0), row(0, 1, 1, 1, 0))
    assert overlap == Overlap(intersection=2, predicted=3, actual=3, pixels=5)
    assert [overlap.iou, overlap.dice, overlap.accuracy] == pytest.approx([0.5, 2 / 3, 0.6])


@pytest.mark.parametrize(
    ("mask", "truth", "score"), [([0, 0], [0, 0], 1.0), ([1, 0], [0, 0], 0.0), ([0, 0], [1, 0], 0.0)]
)
def test_empty_masks_follow_one_rule_in_every_score(mask, truth, score):
    scores = GroundTruth(row(*truth)).scores(row(*mask))
    assert scores.overlap.iou == scores.overlap.dice == scores.area.f1 == scores.line.iou == score


@settings(max_examples=60, deadline=None)
@given(masks, masks)
def test_overlaps_agree_with_scikit_learn(mask, truth):
    overlap, flat = Overlap.of(mask, truth), (truth.ravel(), mask.ravel())
    assert overlap.iou == pytest.approx(jaccard_score(*flat, zero_division=1.0))
    assert overlap.dice == pytest.approx(f1_score(*flat, zero_division=1.0))
    assert overlap.accuracy == pytest.approx(accuracy_score(*flat))


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float32, (6, 6), elements=st.floats(0.0009765625, 0.9990234375, width=32)), arrays(bool, (6, 6))
)
def test_cross_entropy_agrees_with_scikit_learn(probability, truth):
    expected = log_loss(truth.ravel(), probability.ravel().astype(float), labels=[False, True])
    assert cross_entropy(probability, truth) == pytest.approx(expected, rel=1e-4)


def test_cross_entropy_of_a_sure_mistake_is_finite():
    sure = np.ones((2, 2), np.float32)
    assert cross_entropy(sure, np.zeros((2, 2), bool)) == pytest.approx(-math.log(1e-6))


@settings(max_examples=40, deadline=None)
@given(blobs(), st.integers(1, 6))
def test_near_is_dilation_by_a_disc(mask, radius):
    grown = cv2.dilate(mask.astype(np.uint8), disk(radius)) > 0
    assert (near(mask, radius) == grown).all()


@settings(max_examples=60, deadline=None)
@given(blobs())
def test_thinning_a_part_is_thinning_the_whole(mask):
    assert (skeleton(mask) == skeletonize(mask)).all()


@settings(max_examples=60, deadline=None)
@given(blobs(), blobs())
def test_tolerant_and_centre_line_scores_agree_with_a_plain_count(mask, truth):
    """Distances between all pairs of pixels, on a photo so long that the tolerances are 2 and 4 px."""
    mask, truth = (np.pad(one, ((0, 0), (0, 640 - SIDE))) for one in (mask, truth))
    scores = GroundTruth(truth).scores(mask)
    assert scores.area.f1 == pytest.approx(slow_f1(mask, truth, 2))
    found, missed = matches(skeletonize(truth), skeletonize(mask), 4)
    _, false = matches(skeletonize(mask), skeletonize(truth), 4)
    assert scores.line == CentreLine(found, missed, false)


def matches(of, to, distance):
    """(pixels of one mask with a pixel of the other within the distance, without)."""
    here, there = np.argwhere(of), np.argwhere(to)
    if not len(here) or not len(there):
        return 0, len(here)
    gaps = np.linalg.norm(here[:, None] - there[None], axis=-1).min(axis=1)
    found = int((gaps <= distance + 1e-4).sum())
    return found, len(here) - found


def slow_f1(mask, truth, distance):
    if not mask.any() and not truth.any():
        return 1.0
    right, _ = matches(mask, truth, distance)
    found, _ = matches(truth, mask, distance)
    if not right or not found:
        return 0.0
    precision, recall = right / mask.sum(), found / truth.sum()
    return 2 * precision * recall / (precision + recall)


def test_tolerances_grow_with_the_photo():
    def shifted_line(side, by):
        truth, mask = np.zeros((2, side, side), bool)
        truth[:, side // 2] = mask[:, side // 2 + by] = True
        return GroundTruth(truth).scores(mask)

    for scale in (1, 2):
        assert shifted_line(640 * scale, 2 * scale).area.f1 == 1.0
        assert shifted_line(640 * scale, 2 * scale + 1).area.f1 == 0.0
        assert shifted_line(640 * scale, 4 * scale).line.iou == 1.0
        assert shifted_line(640 * scale, 4 * scale + 1).line.iou == 0.0


def test_a_half_found_line_has_half_the_centre_line_score():
    truth, mask = np.zeros((2, 640, 640), bool)
    truth[318:323, 20:620] = True
    mask[318:323, 20:320] = True
    line = GroundTruth(truth).scores(mask).line
    assert line.iou == pytest.approx(0.5, abs=0.02)
    assert line.false == 0


def test_tolerant_counts_of_an_empty_side():
    assert Tolerant(predicted=3, right=0, actual=0, found=0).f1 == 0.0
