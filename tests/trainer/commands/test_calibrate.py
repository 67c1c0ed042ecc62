"""`python -m trainer calibrate`: on which photos, and in which words."""

import shutil

import pytest
from typer.testing import CliRunner

from tests.trainer.small import Notes, small_recipe
from trainer.__main__ import app
from trainer.commands.calibrate import UNTOLD
from trainer.data import SplitBy, default_classes, digest_of, read_photos
from trainer.fit import fit
from trainer.origin import VOUCHED
from wallscan.models.files import CARD, LEARNT, check_files, write_manifest

IN_FRENCH = """
families:
  crack: {classes: ["*crack*"], phrases: [crack, fissure], evaluated: [fissure]}
  drywall joint: {classes: ["*join*"], phrases: [drywall joint, joint de plaque], evaluated: [drywall joint]}
"""
OWN_WORDS = {"crack": ("crack", "Riss"), "drywall joint": ("drywall joint", "Fuge")}


pytestmark = pytest.mark.usefixtures("few_walls")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data, base, few_walls):
    """A bundle that was trained by the split `grouped`, in words of its own; and its manifest."""
    folder = tmp_path_factory.mktemp("trained")
    words = default_classes().in_words(OWN_WORDS)
    photos = read_photos([data], 0.3, 7, SplitBy.GROUPED, words)[0]
    recipe = small_recipe(steps=2, kind="decoder")
    manifest = fit(recipe, photos, folder / "work", folder / "bundle", "a/b", base, Notes())
    assert (manifest.split, manifest.held_out_digest) == ("grouped", digest_of(photos.held_out))
    return folder / "bundle", manifest


def calibrate(bundle, data, out, *options):
    fixed = ("calibrate", "--model", bundle, "--data", data, "--out", out)
    return CliRunner().invoke(app, [str(option) for option in (*fixed, *options)])


def test_it_goes_by_the_split_and_the_words_of_the_training(tmp_path, data, trained):
    bundle, manifest = trained
    result = calibrate(bundle, data, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert UNTOLD not in result.output
    again = check_files(tmp_path / "out")
    assert {family.name: family.phrases for family in again.families} == OWN_WORDS
    assert (again.families, again.metrics) == (manifest.families, manifest.metrics)
    assert (again.split, again.held_out_digest) == (manifest.split, manifest.held_out_digest)
    assert again.data == manifest.data


def test_photos_that_may_have_been_learnt_from_are_refused_unless_a_share_is_given(tmp_path, data, trained):
    bundle, manifest = trained
    refused = calibrate(bundle, data, tmp_path / "out", "--split", "official")
    assert refused.exit_code == 2
    assert "[held_out_differs]" in refused.output
    assert not (tmp_path / "out").exists()
    taken = calibrate(bundle, data, tmp_path / "out", "--split", "official", "--share", "1")
    assert taken.exit_code == 0, taken.output
    told = check_files(tmp_path / "out")
    assert told.metrics["held_out"]["all"]["raw"]["images"] == 8
    assert manifest.metrics["held_out"]["all"]["raw"]["images"] != 8
    digest = digest_of(read_photos([data], 1.0, 7)[0].held_out)
    assert told.data == (*manifest.data, f"{VOUCHED}: 8, SHA-256 {digest}")
    assert VOUCHED in (tmp_path / "out" / CARD).read_text()
    own = calibrate(tmp_path / "out", data, tmp_path / "own")
    assert own.exit_code == 0, own.output
    assert check_files(tmp_path / "own").data == manifest.data


def test_other_data_are_refused(tmp_path, data, trained):
    shutil.copytree(data, tmp_path / "less", ignore=shutil.ignore_patterns("train-0*", "train-1*"))
    result = calibrate(trained[0], tmp_path / "less", tmp_path / "out")
    assert "[held_out_differs]" in result.output


def test_an_older_bundle_is_told_which_photos_it_learnt_from(tmp_path, data, trained):
    bundle, manifest = trained
    older = tmp_path / "older"
    shutil.copytree(bundle, older)
    (older / LEARNT).unlink()
    write_manifest(older, manifest.model_dump(exclude={"files"}))
    assert calibrate(older, data, tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / LEARNT).read_bytes() == (bundle / LEARNT).read_bytes()


def test_other_words_are_taken_from_a_file(tmp_path, data, trained):
    (tmp_path / "classes.yaml").write_text(IN_FRENCH)
    result = calibrate(trained[0], data, tmp_path / "out", "--classes", tmp_path / "classes.yaml")
    assert result.exit_code == 0, result.output
    assert check_files(tmp_path / "out").families[0].phrases == ("crack", "fissure")


def test_an_older_bundle_cannot_tell_and_says_so(tmp_path, data, trained):
    bundle, manifest = trained
    shutil.copytree(bundle, tmp_path / "older")
    facts = manifest.model_dump(mode="json", exclude={"files", "split", "held_out_digest"})
    assert write_manifest(tmp_path / "older", facts).held_out_digest is None
    result = calibrate(tmp_path / "older", data, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert UNTOLD in result.output
