import datetime as dt

import pytest

from tests.models.bundles import write_tiny_bundle
from wallscan.models import Gate, bundle_digest


@pytest.fixture
def manifest(tmp_path):
    return write_tiny_bundle(tmp_path / "bundle")


def with_first_family(manifest, changes):
    """The manifest with other fields of its first family."""
    plain = manifest.model_dump()
    first, *others = plain["families"]
    return type(manifest).model_validate(plain | {"families": [first | changes, *others]})


@pytest.mark.parametrize(
    ("prompt", "gate"),
    [
        ("crack", Gate(family="crack", presence=0.4)),
        ("  Wall   CRACK ", Gate(family="crack", presence=0.4)),
        ("drywall joint", Gate(family="drywall joint", presence=0.6)),
        ("a cat", Gate(family=None, presence=0.5)),
        ("cracks", Gate(family=None, presence=0.5)),
    ],
)
def test_a_prompt_gets_its_familys_gate_or_the_default(manifest, prompt, gate):
    assert manifest.gate_for(prompt) == gate


def test_the_digest_is_the_same_whenever_the_bundle_was_made(manifest):
    later = manifest.model_copy(update={"created_at": manifest.created_at + dt.timedelta(days=1)})
    assert bundle_digest(later) == bundle_digest(manifest)


def test_what_manifests_got_later_leaves_the_digests_of_older_ones_alone(manifest):
    assert bundle_digest(manifest) == "1cbc23cf4d7c040e26a922eca973e5e03b912881a06f9f566475dc84311360ec"


@pytest.mark.parametrize(
    "fitted",
    [
        {"threshold": 0.4},
        {"threshold": 0.4, "band": (0.3, 0.6)},
        {"calibration": {"slope": 1.0, "intercept": 0.0}},
    ],
)
def test_what_was_fitted_is_part_of_the_digest_and_of_the_gate(manifest, fitted):
    calibrated = with_first_family(manifest, fitted)
    assert bundle_digest(calibrated) != bundle_digest(manifest)
    assert calibrated.gate_for("crack").model_dump(include=set(fitted)) == fitted
    assert calibrated.gate_for("drywall joint") == manifest.gate_for("drywall joint")


@pytest.mark.parametrize(
    "contradiction",
    [
        {"band": (0.3, 0.6)},
        {"threshold": 0.2, "band": (0.3, 0.6)},
        {"calibration": {"slope": 0.0, "intercept": 0.0}},
        {"coverage_errors": {"found": (-1.0, 1.0), "silent": (-1.0, 1.0)}},
    ],
)
def test_fits_that_contradict_themselves_are_refused(manifest, contradiction):
    with pytest.raises(ValueError, match=r"threshold|slope|calibration"):
        with_first_family(manifest, contradiction)


def test_the_default_threshold_serves_prompts_of_no_family(manifest):
    changed = manifest.model_copy(update={"default_threshold": 0.4})
    assert changed.gate_for("a cat").threshold == 0.4
    assert bundle_digest(changed) != bundle_digest(manifest)


def test_all_gates_are_levels_of_the_score_that_the_manifest_names(manifest):
    changed = manifest.model_copy(update={"presence_by": "extent"})
    asked = ["a cat", *(family.phrases[0] for family in changed.families)]
    assert {changed.gate_for(prompt).presence_by for prompt in asked} == {"extent"}
    assert {manifest.gate_for(prompt).presence_by for prompt in asked} == {None}
    assert bundle_digest(changed) != bundle_digest(manifest)


def test_the_digest_survives_a_round_trip_through_json(manifest):
    again = type(manifest).model_validate_json(manifest.model_dump_json())
    assert bundle_digest(again) == bundle_digest(manifest)
    assert len(bundle_digest(manifest)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"default_presence": 0.51},
        {"name": "other"},
        {"licence": "MIT"},
        {"split": "grouped"},
        {"held_out_digest": "0" * 64},
    ],
)
def test_the_digest_changes_with_what_the_model_is(manifest, change):
    assert bundle_digest(manifest.model_copy(update=change)) != bundle_digest(manifest)


def test_the_digest_changes_with_one_byte_of_a_file(tmp_path, manifest):
    other = tmp_path / "other"
    write_tiny_bundle(other)
    (other / "tokenizer.json").write_text("{ }")
    from tests.models.bundles import FACTS
    from wallscan.models import write_manifest

    assert bundle_digest(write_manifest(other, FACTS)) != bundle_digest(manifest)
