import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models.bundles import FACTS, write_model_folder, write_tiny_bundle
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models import check_files, read_manifest, write_manifest

Harm = Callable[[Path], object]


def rewrite(name: str, old: str, new: str) -> Harm:
    def harm(folder: Path) -> None:
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return harm


def truncate_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])


def flip_a_bit(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def add_pickle(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"w": 1}))


def list_pickle(folder: Path) -> None:
    add_pickle(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].append({"name": "pytorch_model.bin", "size_bytes": 1, "sha256": "0" * 64})
    (folder / "manifest.json").write_text(json.dumps(manifest))


def weights_behind_a_link(folder: Path) -> None:
    moved = folder.parent / "elsewhere.safetensors"
    (folder / "model.safetensors").rename(moved)
    (folder / "model.safetensors").symlink_to(moved)


def deep_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("[" * 100_000)
    (folder / "manifest.json").unlink()
    write_manifest(folder, FACTS)


def other_architecture(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (folder / "manifest.json").unlink()
    write_manifest(folder, FACTS)


def config_is_a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[]")
    (folder / "manifest.json").unlink()
    write_manifest(folder, FACTS)


HARMS: list[tuple[Harm, Code]] = [
    (truncate_weights, Code.BUNDLE_CHECKSUM_MISMATCH),
    (flip_a_bit, Code.BUNDLE_CHECKSUM_MISMATCH),
    (lambda folder: (folder / "model.safetensors").unlink(), Code.BUNDLE_FILE_MISSING),
    (lambda folder: (folder / "tokenizer.json").unlink(), Code.BUNDLE_FILE_MISSING),
    (lambda folder: (folder / "manifest.json").unlink(), Code.BUNDLE_FILE_MISSING),
    (add_pickle, Code.BUNDLE_FILE_FORBIDDEN),
    (list_pickle, Code.BUNDLE_FILE_FORBIDDEN),
    (lambda folder: (folder / "modeling.py").write_text("1"), Code.BUNDLE_FILE_FORBIDDEN),
    (lambda folder: (folder / "sub").mkdir(), Code.BUNDLE_FILE_FORBIDDEN),
    (weights_behind_a_link, Code.BUNDLE_FILE_FORBIDDEN),
    (rewrite("manifest.json", '"model.safetensors"', '"../model.safetensors"'), Code.BUNDLE_MANIFEST_INVALID),
    (rewrite("manifest.json", '"tests/tiny"', '"../etc/passwd"'), Code.BUNDLE_MANIFEST_INVALID),
    (rewrite("manifest.json", '"format_version": 1', '"format_version": 2'), Code.BUNDLE_MANIFEST_INVALID),
    (rewrite("manifest.json", '"presence": 0.4', '"presence": NaN'), Code.BUNDLE_MANIFEST_INVALID),
    (rewrite("manifest.json", '"presence": 0.4', '"presence": 1.5'), Code.BUNDLE_MANIFEST_INVALID),
    (rewrite("manifest.json", '"licence"', '"license"'), Code.BUNDLE_MANIFEST_INVALID),
    (rewrite("manifest.json", '"wall crack"', '"Drywall  Joint"'), Code.BUNDLE_MANIFEST_INVALID),
    (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), Code.BUNDLE_MANIFEST_INVALID),
    (lambda folder: (folder / "manifest.json").write_bytes(b" " * (1 << 21)), Code.BUNDLE_MANIFEST_INVALID),
    (other_architecture, Code.BUNDLE_ARCHITECTURE_UNSUPPORTED),
    (deep_configuration, Code.BUNDLE_ARCHITECTURE_UNSUPPORTED),
    (config_is_a_list, Code.BUNDLE_ARCHITECTURE_UNSUPPORTED),
]


@pytest.mark.parametrize(("harm", "code"), HARMS)
def test_harmed_bundles_are_refused_with_their_code(tmp_path, harm, code):
    write_tiny_bundle(tmp_path / "bundle")
    check_files(tmp_path / "bundle")
    harm(tmp_path / "bundle")
    with pytest.raises(BundleError) as caught:
        check_files(tmp_path / "bundle")
    assert caught.value.code == code


def test_a_whole_bundle_reads_back_as_written(tmp_path):
    written = write_tiny_bundle(tmp_path / "bundle")
    assert check_files(tmp_path / "bundle") == written == read_manifest(tmp_path / "bundle")
    assert [file.name for file in written.files] == sorted(file.name for file in written.files)


def test_writing_a_manifest_refuses_files_that_no_bundle_may_hold(tmp_path):
    write_model_folder(tmp_path / "bundle")
    (tmp_path / "bundle" / "training_args.bin").write_bytes(b"")
    with pytest.raises(BundleError) as caught:
        write_manifest(tmp_path / "bundle", FACTS)
    assert caught.value.code == Code.BUNDLE_FILE_FORBIDDEN
