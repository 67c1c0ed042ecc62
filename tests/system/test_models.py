"""Other weights plug in: from the hub, a folder, a bundle; and serve at once."""

import shutil
import tarfile

import pytest

from tests.client.hub import serving_hub
from tests.photos.pictures import encode, wall
from tests.system.cli import read_report
from tests.system.test_inspect import lay
from tests.worker.tiny import make_tiny_bundle
from wallscan.models.manifest import MANIFEST_NAME

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A bundle with a tiny CLIPSeg of the published one's layout."""
    folder = tmp_path_factory.mktemp("tiny") / "bundle"
    make_tiny_bundle(folder, seed=7)
    return folder


def plain(bundle, folder):
    """The bundle as a plain transformers folder."""
    return shutil.copytree(bundle, folder, ignore=shutil.ignore_patterns(MANIFEST_NAME))


def test_a_model_of_the_hub_is_added_and_inspects(shell, tmp_path, tiny):
    files = {path.name: path.read_bytes() for path in plain(tiny, tmp_path / "plain").iterdir()}
    with serving_hub("CIDAS/tiny-clipseg", files | {"pytorch_model.bin": b"pickle"}) as (
        endpoint,
        handed_out,
    ):
        hub = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
        printed = shell.run("models", "add", "CIDAS/tiny-clipseg", **hub)
    assert "CIDAS/tiny-clipseg" in printed
    assert "ready" in printed
    assert "pytorch_model.bin" not in handed_out
    lay(tmp_path / "photos", {"w/1.jpg": encode(wall(640, 480))})
    shell.run("inspect", "photos", "--model", "CIDAS/tiny-clipseg", "--out", "out")
    assert read_report(tmp_path / "out").run.model == "CIDAS/tiny-clipseg"


def test_a_folder_serves_once_it_is_forced_and_until_it_is_rolled_back(shell, tmp_path, tiny):
    plain(tiny, tmp_path / "My weights")
    active_before = shell.run("models", "list")
    assert "My-weights" not in active_before
    # What the gate makes of it is asked in tests/trainer/test_compare.py: here it would take minutes.
    shell.run("models", "add", "My weights")
    reason = ("--force", "--reason", "a test of the command")
    assert "ready, active" in shell.run("models", "activate", "My-weights", *reason)
    lay(tmp_path / "photos", {"w/1.jpg": encode(wall(640, 480))})
    shell.run("inspect", "photos", "--out", "out")
    assert read_report(tmp_path / "out").run.model == "My-weights"
    shown = shell.run("models", "show", "My-weights")
    assert "forced" in shown
    assert "fitted for" not in shown  # a plain folder of weights brings no families
    assert "fitted for crack: " in shell.run("models", "show", "wallscan/starter")
    starter = next(line for line in active_before.splitlines() if "yes" in line).split("│")[1].strip()
    rolled_back = shell.run("models", "rollback")
    assert "ready, active" in rolled_back
    assert starter in rolled_back


def test_a_bundle_file_keeps_its_name(shell, tmp_path, tiny):
    with tarfile.open(tmp_path / "weights.tar", "w") as archive:
        archive.add(tiny, "bundle")
    assert "tiny-7" in shell.run("models", "add", "weights.tar")


def test_an_altered_bundle_is_refused(shell, tmp_path, tiny):
    copy = shutil.copytree(tiny, tmp_path / "copy")
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert "bundle_checksum_mismatch" in shell.run("models", "add", "copy", status=2)


def test_weights_that_do_not_load_are_rejected(shell, tmp_path, tiny):
    copy = plain(tiny, tmp_path / "broken")
    (copy / "model.safetensors").write_bytes(b"no weights at all")
    assert "bundle_unloadable" in shell.run("models", "add", "broken", status=2)


def test_pickles_are_refused(shell, tmp_path, tiny):
    copy = plain(tiny, tmp_path / "pickled")
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    assert "bundle_file_forbidden" in shell.run("models", "add", "pickled", status=2)


def test_a_model_that_is_nowhere(shell, tmp_path):
    assert "model_source_unknown" in shell.run("models", "add", "./nothing", status=2)
    assert "model_unknown" in shell.run("models", "activate", "nothing", status=2)
