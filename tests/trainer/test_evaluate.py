import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.segment.tiny import write_tiny
from tests.trainer.data import write_data
from trainer.__main__ import app
from trainer.gates import LOWEST_GATE, separate
from trainer.evaluation.metrics import Overlap, summary


def masks(*rows):
    return np.array(rows, bool)


def test_overlap_by_hand():
    overlap = Overlap.of(masks([1, 1, 1, 0]), masks([0, 1, 1, 1]))
    assert overlap == Overlap(intersection=2, predicted=3, actual=3)
    assert overlap.iou == 0.5
    assert overlap.dice == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("mask", "truth", "score"), [([0, 0], [0, 0], 1.0), ([1, 0], [0, 0], 0.0), ([0, 0], [1, 0], 0.0)]
)
def test_empty_masks_against_empty_truths(mask, truth, score):
    overlap = Overlap.of(masks(mask), masks(truth))
    assert overlap.iou == overlap.dice == score


def test_pooling_counts_pixels_and_means_count_photos():
    numbers = summary([Overlap(1, 1, 1), Overlap(0, 99, 0)])
    assert numbers["mean_iou"] == 0.5
    assert numbers["pooled_iou"] == 0.01


def test_a_gate_parts_what_can_be_parted():
    gate = separate([0.8, 0.9, 0.95], [0.1, 0.4, 0.5])
    assert 0.5 < gate.presence < 0.8
    assert (gate.passed_with, gate.passed_without) == (1.0, 0.0)


def test_a_gate_never_falls_under_its_floor():
    assert separate([0.05, 0.9], [0.01]).presence >= LOWEST_GATE


def test_the_command_reports_every_photo_and_both_ways_of_cutting(tmp_path):
    write_data(tmp_path / "data", count=3)
    bundle = write_tiny(tmp_path / "bundle")
    out = tmp_path / "out.json"
    options = ["--model", str(bundle), "--data", str(tmp_path / "data"), "--json", str(out)]
    result = CliRunner().invoke(app, ["evaluate", *options])
    assert result.exit_code == 0, result.output
    document = json.loads(out.read_text())
    assert document["split"] == "valid"
    assert len(document["photos"]) == 6
    assert document["summary"]["all"]["raw"]["images"] == 6
    for family in ("crack", "drywall joint"):
        for way in ("raw", "founding"):
            numbers = document["summary"][family][way]
            assert 0 <= numbers["mean_iou"] <= numbers["mean_dice"] <= 1
            assert 0 <= numbers["wrong_prompt_fired"] <= 1
