"""`train` and `bundle`: what of a work folder is gone on with, and what of it is published."""

import shutil

import pytest
import torch
from typer.testing import CliRunner

from tests.trainer.small import Notes, small_recipe, write_base
from trainer.__main__ import app
from trainer.checkpoint import BEST, LAST
from trainer.claim import require_run
from trainer.data import read_photos
from trainer.fit import fit
from wallscan.models.files import check_files
from wallscan.segment.bundle import load_model

pytestmark = pytest.mark.usefixtures("few_walls")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, data, base, few_walls):
    """Work folders of runs that were cancelled in their seventh step of twelve, by kind."""
    folder = tmp_path_factory.mktemp("runs")
    photos, _ = read_photos([data], 0.3, 7)
    for kind in ("scratch", "decoder"):
        recipe = small_recipe(steps=12, kind=kind, epoch_steps=3, checkpoint_every=7, average_decay=0.5)
        start = None if kind == "scratch" else base
        fit(recipe, photos, folder / kind, folder / "cancelled", "a/b", start, Notes(cancel_at=7))
    return folder


def bundled(data, work, out, *more):
    return CliRunner().invoke(
        app,
        ["bundle", "--name", "a/b", "--data", str(data), "--work", str(work), "--out", str(out)]
        + [str(part) for part in more],
    )


def trained(folder, data, *more):
    folder.mkdir(exist_ok=True)
    (folder / "recipe.json").write_text(small_recipe(steps=2).model_dump_json())
    given = {"--data": data, "--recipe": folder / "recipe.json", "--work": folder / "work"}
    given |= {"--out": folder / "bundle"}
    parts = (str(part) for pair in given.items() for part in pair)
    return CliRunner().invoke(app, ["train", *parts, *map(str, more)])


def holds(bundle, weights):
    """Whether the bundle has these weights, as they are published."""
    published = load_model(bundle).state_dict()
    names = {name: name.removeprefix("clipseg.") for name in weights}
    return all(torch.equal(published[names[name]], value.half().float()) for name, value in weights.items())


@pytest.mark.parametrize("best", [False, True])
def test_a_run_is_published_by_its_own_recipe(tmp_path, data, runs, best):
    done = bundled(data, runs / "scratch", tmp_path / "out", *(["--best"] if best else []))
    assert done.exit_code == 0, done.output
    last, best_epoch = (torch.load(runs / "scratch" / name, weights_only=True) for name in (LAST, BEST))
    assert f"a/b, of step {best_epoch['step'] if best else 7} of 12" in done.output
    assert holds(tmp_path / "out", last["average"]) is not best
    assert holds(tmp_path / "out", best_epoch["model"]) is best
    manifest = check_files(tmp_path / "out")
    assert manifest.recipe == require_run(runs / "scratch").recipe.model_dump(mode="json")
    assert manifest.recipe["image_size"] == 48  # the shipped starter's is another
    assert (manifest.base, manifest.seed) == (None, 7)


def test_a_fine_tuning_is_published_with_its_base_alone(tmp_path, data, base, runs):
    without = bundled(data, runs / "decoder", tmp_path / "out")
    other = write_base(tmp_path / "other", side=64, vision={"num_hidden_layers": 3})
    wrong = bundled(data, runs / "decoder", tmp_path / "out", "--base", other)
    for refused in (without, wrong):
        assert refused.exit_code == 2
        assert "base (its weights have the SHA-256" in refused.output
        assert "[work_folder_taken]" in refused.output
    assert not (tmp_path / "out").exists()
    done = bundled(data, runs / "decoder", tmp_path / "out", "--base", base, "--name", "test/tuned")
    assert done.exit_code == 0, done.output
    manifest = check_files(tmp_path / "out")
    assert manifest.recipe["kind"] == "decoder"
    assert manifest.name == "test/tuned"
    assert (manifest.base or "").startswith(base.name)


def test_a_run_is_not_published_with_other_photos(tmp_path, data, runs):
    refused = bundled(data, runs / "scratch", tmp_path / "out", "--split", "grouped")
    assert refused.exit_code == 2
    assert "photos learnt from, photos held out differ" in refused.output
    assert not (tmp_path / "out").exists()


def test_a_run_is_not_published_under_a_name_that_no_model_may_have(tmp_path, data, runs):
    refused = bundled(data, runs / "scratch", tmp_path / "out", "--name", "my model")
    assert refused.exit_code == 2
    assert "[bundle_manifest_invalid]" in refused.output


def test_before_its_first_epoch_there_is_no_best(tmp_path, data, runs):
    work = shutil.copytree(runs / "scratch", tmp_path / "work")
    (work / BEST).unlink()
    refused = bundled(data, work, tmp_path / "out", "--best")
    assert refused.exit_code == 2
    assert "[checkpoint_missing]" in refused.output


def test_a_run_that_is_over_is_not_published_as_one_of_another_split(tmp_path, data):
    photos = shutil.copytree(data, tmp_path / "photos")
    assert trained(tmp_path / "run", photos).exit_code == 0
    before = check_files(tmp_path / "run" / "bundle")
    for more in (["--split", "grouped"], ["--split", "scenes"]):
        refused = trained(tmp_path / "run", photos, *more)
        assert refused.exit_code == 2
        assert "photos learnt from, photos held out differ" in refused.output
    shutil.copytree(photos / "cracks" / "valid", photos / "cracks" / "train", dirs_exist_ok=True)
    added = trained(tmp_path / "run", photos)
    assert added.exit_code == 2
    assert "photos learnt from" in added.output
    assert check_files(tmp_path / "run" / "bundle") == before


def test_several_trials_share_activations(tmp_path, data, base):
    options = ["--data", str(data), "--recipe", "cached", "--base", str(base), "--set", "epochs=1"]
    options += ["--set", "held_out_share=0.3", "--activations", str(tmp_path / "shared")]
    for name, rate in (("first", "0.001"), ("second", "0.0001")):
        own = ["--work", str(tmp_path / name), "--out", str(tmp_path / f"{name}-bundle")]
        done = CliRunner().invoke(app, ["train", *options, *own, "--set", f"learning_rate={rate}"])
        assert done.exit_code == 0, done.output
        assert not (tmp_path / name / "activations").exists()
    assert len(list((tmp_path / "shared").iterdir())) == 1


def test_a_recipe_that_starts_from_a_model_is_refused_without_one_before_photos_are_read(tmp_path):
    (tmp_path / "empty").mkdir()
    given = {"--data": tmp_path / "empty", "--work": tmp_path / "work", "--out": tmp_path / "bundle"}
    refused = CliRunner().invoke(app, ["train", *(str(part) for pair in given.items() for part in pair)])
    assert refused.exit_code == 2
    assert "[recipe_invalid]" in refused.output
