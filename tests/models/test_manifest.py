import datetime as dt

import pytest

from tests.models.bundles import write_tiny_bundle
from wallscan.models import Gate, bundle_digest


@pytest.fixture
def manifest(tmp_path):
    return write_tiny_bundle(tmp_path / "bundle")


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


def test_the_digest_survives_a_round_trip_through_json(manifest):
    again = type(manifest).model_validate_json(manifest.model_dump_json())
    assert bundle_digest(again) == bundle_digest(manifest)
    assert len(bundle_digest(manifest)) == 64


@pytest.mark.parametrize("change", [{"default_presence": 0.51}, {"name": "other"}, {"licence": "MIT"}])
def test_the_digest_changes_with_what_the_model_is(manifest, change):
    assert bundle_digest(manifest.model_copy(update=change)) != bundle_digest(manifest)


def test_the_digest_changes_with_one_byte_of_a_file(tmp_path, manifest):
    other = tmp_path / "other"
    write_tiny_bundle(other)
    (other / "tokenizer.json").write_text("{ }")
    from tests.models.bundles import FACTS
    from wallscan.models import write_manifest

    assert bundle_digest(write_manifest(other, FACTS)) != bundle_digest(manifest)
