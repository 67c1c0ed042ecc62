"""Estimated coverage against what was annotated."""

import numpy as np
import pytest

from trainer.evaluation.coverage import Estimated, estimate
from trainer.evaluation.coverage_table import coverage_table, rows
from trainer.evaluation.markdown import coverage_markdown
from wallscan.measure.measured import measured
from wallscan.models import starter_bundle
from wallscan.models.files import read_manifest
from wallscan.models.manifest import Calibration, CoverageErrors


def row(annotated, estimated, low, high, group="a", family="crack"):
    return Estimated("photo.jpg", group, family, annotated, estimated, low, high)


@pytest.fixture
def manifest():
    plain = read_manifest(starter_bundle())
    fitted = {
        "calibration": Calibration(slope=0.7, intercept=-0.9),
        "coverage_errors": CoverageErrors(found=(-1.5, 1.8), silent=(-1.2, 1.3)),
    }
    return plain.model_copy(update={"families": [one.model_copy(update=fitted) for one in plain.families]})


def crack_map(level):
    probability = np.full((40, 40), 0.02, np.float32)
    probability[10:30, 18:22] = level
    return probability


@pytest.mark.parametrize("level", [0.1, 0.9])
def test_an_estimate_is_the_product_s_own(manifest, level):
    probability = crack_map(level)
    gate = manifest.gate_for("crack")
    own = measured(
        probability, height_px=80, width_px=80, gate=gate, postprocess={"name": "standard"}
    ).numbers
    told = (own.estimated_coverage_pct, own.estimated_low_pct, own.estimated_high_pct)
    assert estimate(manifest, "crack", probability) == told


def test_a_model_without_an_interval_tells_none(manifest):
    bare = manifest.model_copy(
        update={"families": [one.model_copy(update={"coverage_errors": None}) for one in manifest.families]}
    )
    assert estimate(bare, "crack", crack_map(0.9)) is None


def test_the_table_counts_what_intervals_hold_and_how_far_estimates_are_off():
    table = coverage_table(
        [
            row(2.0, 3.0, 1.0, 4.0),
            row(5.0, 3.0, 1.0, 4.0, group="b"),
            row(0.0, 0.5, 0.0, 1.0, group="c"),
            row(0.0, 0.5, 0.25, 1.0, group="d"),
            row(1.0, 1.0, 0.5, 1.5, family="drywall joint"),
        ]
    )
    assert set(table) == {"crack", "drywall joint"}
    assert [table["crack"][part]["photos"] for part in ("all", "with", "without")] == [4, 2, 2]
    assert [table["crack"][part]["held_share"]["mean"] for part in ("all", "with", "without")] == [
        0.5,
        0.5,
        0.5,
    ]
    assert table["crack"]["with"]["error_pct"]["mean"] == pytest.approx(-0.5)
    assert table["crack"]["with"]["absolute_error_pct"]["mean"] == pytest.approx(1.5)
    assert table["crack"]["all"]["median_width_pct"] == pytest.approx(2.0)
    assert "without" not in table["drywall joint"]
    assert "| crack, with | 2 | 50.0 %" in coverage_markdown(table)


def test_no_estimates_make_no_table():
    assert coverage_table([]) == {}
    assert coverage_markdown({}) == "The model brings no calibration."
    assert rows([row(2.0, 3.0, 1.0, 4.123456)])[0]["high_pct"] == 4.1235
