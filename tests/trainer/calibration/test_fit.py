from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.evaluation.scene import SIDE, KnowingEngine, box, write_sample
from trainer.calibration import fit
from trainer.calibration.coverage import NOTHING_KNOWN
from trainer.calibration.fit import LEAST_PHOTOS, fit_families, fitted_fields, fitted_metrics
from trainer.evaluation.judge import UNKNOWN_PROMPT
from trainer.gates import LOWEST_UNKNOWN_GATE
from trainer.phrases import FAMILIES
from wallscan.models import Manifest


@pytest.fixture
def few_walls(monkeypatch):
    monkeypatch.setattr(fit, "RENDERED_WALLS", 2)
    monkeypatch.setattr(fit, "RENDERED_SIZE", 96)


def photos(folder, cracks, joints):
    shape = {"crack": (box(10, 10, 40, 30),), "drywall joint": (box(5, 50, 75, 60),)}
    wanted = [("crack", number) for number in range(cracks)]
    wanted += [("drywall joint", number) for number in range(joints)]
    return [write_sample(folder, f"{family}{number}", {family: shape[family]}) for family, number in wanted]


def test_a_model_that_knows_is_told_apart_and_believed(tmp_path, few_walls):
    engine = KnowingEngine()
    fitted = fit_families(engine, photos(tmp_path, LEAST_PHOTOS, 3), seed=1)
    in_squares = 2 * (LEAST_PHOTOS + 3)  # the largest clean one of each photo, for each family
    assert engine.encoded == LEAST_PHOTOS + 3 + 4 + in_squares
    crack, joint = fitted.families["crack"], fitted.families["drywall joint"]
    assert crack.threshold is not None
    assert crack.threshold.mean_iou == 1.0
    assert crack.threshold.band == pytest.approx((0.1, 0.9), abs=0.01)
    assert crack.calibration is not None
    assert crack.calibration.ece_after < 0.03 < crack.calibration.ece_before
    assert joint.threshold is None, "three photos tell no threshold"
    assert joint.gate.passed_with == 1.0


def test_copies_of_few_photos_tell_no_threshold(tmp_path, few_walls):
    copies = [
        replace(sample, group=f"source {number % 5}")
        for number, sample in enumerate(photos(tmp_path, LEAST_PHOTOS, 0))
    ]
    assert fit_families(KnowingEngine(), copies, seed=1).families["crack"].threshold is None


class SeesCracksFromNear(KnowingEngine):
    """Takes every part of a photo for a crack all over."""

    def probabilities(self, image, prompts):
        found = super().probabilities(image, prompts)
        return found if max(image.shape) >= SIDE else np.full_like(found, 0.95)


def test_a_gate_knows_what_clean_parts_look_like_from_near(tmp_path, few_walls):
    samples = photos(tmp_path, LEAST_PHOTOS, 3)
    sure, unsure = (
        fit_families(engine, samples, seed=1) for engine in (KnowingEngine(), SeesCracksFromNear())
    )
    assert sure.families["crack"].gate.passed_without < 0.1
    assert unsure.families["crack"].gate.passed_without > 0.5
    assert unsure.families["crack"].calibration == sure.families["crack"].calibration


def test_what_was_fitted_makes_a_manifest_and_its_metrics(tmp_path, few_walls):
    fitted = fit_families(KnowingEngine(), photos(tmp_path, LEAST_PHOTOS, 3), seed=1)
    plain = KnowingEngine().manifest.model_dump() | fitted_fields(fitted, FAMILIES)
    manifest = Manifest.model_validate(plain)
    gate = manifest.gate_for("Wall crack")
    assert gate.threshold is not None
    calibration = fitted.families["crack"].calibration
    assert calibration is not None
    assert gate.calibration == calibration.calibration
    assert gate.coverage_errors is not None
    assert manifest.gate_for("drywall joint").band is None
    unknown = manifest.gate_for("a dog")
    assert (unknown.presence, unknown.threshold) == (fitted.unknown.presence, gate.threshold)
    metrics = fitted_metrics(fitted)
    assert set(metrics["gates"]) == {"crack", "drywall joint", UNKNOWN_PROMPT}
    assert metrics["calibration"]["crack"]["mean_iou_at_threshold"] == 1.0


def test_photos_that_say_nothing_of_a_family_teach_nothing_of_it(tmp_path, few_walls):
    settled = photos(tmp_path, 4, 4)
    cracks = [replace(one, unsettled=frozenset({"drywall joint"})) for one in settled[:4]]
    engine = KnowingEngine(fires_on=("drywall joint",))
    known, unknown = (fit_families(engine, held_out, seed=1) for held_out in (settled, cracks + settled[4:]))
    assert known.families["crack"] == unknown.families["crack"]
    ways = (known.families["drywall joint"].calibration, unknown.families["drywall joint"].calibration)
    assert ways[0] != ways[1]


def test_rendered_walls_do_not_vouch_for_the_interval(tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "RENDERED_WALLS", 20)
    monkeypatch.setattr(fit, "RENDERED_SIZE", 96)
    few, enough = (
        fit_families(KnowingEngine(), photos(tmp_path, count, 3), seed=1).families["crack"].coverage_errors
        for count in (4, 25)
    )
    assert few is not None
    assert enough is not None
    assert (few.found, few.silent) == (NOTHING_KNOWN, NOTHING_KNOWN), "20 walls are quiet, but no photos"
    assert enough.found != NOTHING_KNOWN
    assert enough.silent == NOTHING_KNOWN, "three photos of joints are too few"


def test_of_what_no_photo_shows_only_a_gate_is_fitted(tmp_path, few_walls):
    fitted = fit_families(KnowingEngine(), photos(tmp_path, LEAST_PHOTOS, 0), seed=1)
    joint = fitted.families["drywall joint"]
    assert (joint.threshold, joint.calibration, joint.coverage_errors) == (None, None, None)
    assert joint.gate.presence >= LOWEST_UNKNOWN_GATE
    assert joint.gate.passed_with is None, "no map shows one that could have passed"
    Manifest.model_validate(KnowingEngine().manifest.model_dump() | fitted_fields(fitted, FAMILIES))
    assert set(fitted_metrics(fitted)["calibration"]) == {"crack"}


def test_of_what_is_shown_by_rendered_walls_alone_no_probability_is_fitted(tmp_path, few_walls):
    fitted = fit_families(KnowingEngine(), photos(tmp_path, 0, 20), seed=1)
    crack = fitted.families["crack"]
    assert (crack.threshold, crack.calibration, crack.coverage_errors) == (None, None, None)
    assert crack.gate.passed_with is not None, "they do tell a gate"
    assert fitted.families["drywall joint"].calibration is not None
    Manifest.model_validate(KnowingEngine().manifest.model_dump() | fitted_fields(fitted, FAMILIES))
