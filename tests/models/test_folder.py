import json
import subprocess
import sys

import pytest

from tests.models.bundles import write_model_folder, write_tiny_bundle
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models import bundle_digest, check_files, from_model_folder, packed, starter_bundle


def test_a_plain_folder_becomes_a_checked_bundle_with_its_weights_untouched(tmp_path):
    source = tmp_path / "plain"
    write_model_folder(source)
    (source / "README.md").write_text("left out")
    (source / "pytorch_model.bin").write_bytes(b"left out as well, for safetensors are there")
    manifest = from_model_folder(
        source, tmp_path / "out", name="lab/model", base="CIDAS/clipseg-rd64-refined"
    )
    assert check_files(tmp_path / "out") == manifest
    assert (tmp_path / "out/model.safetensors").read_bytes() == (source / "model.safetensors").read_bytes()
    assert {file.name for file in manifest.files} == {
        "config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json",
    }  # fmt: skip
    assert manifest.gate_for("crack").family is None


def test_a_hub_snapshot_of_links_is_read_through_them(tmp_path):
    write_model_folder(tmp_path / "blobs")
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for blob in (tmp_path / "blobs").iterdir():
        (snapshot / blob.name).symlink_to(blob)
    from_model_folder(snapshot, tmp_path / "out", name="model")
    check_files(tmp_path / "out")


def test_the_same_folder_packed_twice_is_the_same_model(tmp_path):
    write_model_folder(tmp_path / "plain")
    first, second = (from_model_folder(tmp_path / "plain", tmp_path / out, name="m") for out in "ab")
    assert bundle_digest(first) == bundle_digest(second)


def test_clipsegs_own_preprocessing_is_assumed_where_none_is_given(tmp_path):
    write_model_folder(tmp_path / "plain")
    (tmp_path / "plain/preprocessor_config.json").unlink()
    from_model_folder(tmp_path / "plain", tmp_path / "out", name="m")
    assert json.loads((tmp_path / "out/preprocessor_config.json").read_text())["size"]["height"] == 352


@pytest.mark.parametrize(
    ("name", "code"),
    [("model.safetensors", Code.BUNDLE_FILE_MISSING), ("tokenizer.json", Code.BUNDLE_FILE_MISSING)],
)
def test_a_missing_part_is_named(tmp_path, name, code):
    write_model_folder(tmp_path / "plain")
    (tmp_path / "plain" / name).unlink()
    with pytest.raises(BundleError) as caught:
        from_model_folder(tmp_path / "plain", tmp_path / "out", name="m")
    assert caught.value.code == code


def test_pickled_weights_alone_are_refused(tmp_path):
    write_model_folder(tmp_path / "plain")
    (tmp_path / "plain/model.safetensors").rename(tmp_path / "plain/pytorch_model.bin")
    with pytest.raises(BundleError) as caught:
        from_model_folder(tmp_path / "plain", tmp_path / "out", name="m")
    assert caught.value.code == Code.BUNDLE_FILE_FORBIDDEN


def test_packing_leaves_a_bundle_as_it_is(tmp_path):
    manifest = write_tiny_bundle(tmp_path / "bundle")
    assert packed(tmp_path / "bundle", tmp_path / "out", name="other") == (tmp_path / "bundle", manifest)
    assert not (tmp_path / "out").exists()


def test_the_starter_is_whole_and_small():
    manifest = check_files(starter_bundle())
    assert {family.name for family in manifest.families} == {"crack", "drywall joint"}
    assert sum(file.size_bytes for file in manifest.files) <= 25_000_000


def test_bundles_are_packed_without_torch():
    program = "import sys, wallscan.models; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_name_that_no_model_may_have_is_refused_with_its_code(tmp_path):
    write_model_folder(tmp_path / "plain")
    with pytest.raises(BundleError, match="name: ") as caught:
        from_model_folder(tmp_path / "plain", tmp_path / "out", name="mill lane")
    assert caught.value.code == Code.BUNDLE_MANIFEST_INVALID
