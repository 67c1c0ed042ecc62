import json

import pytest
import torch
from typer.testing import CliRunner

from tests.trainer.small import Notes, small_recipe
from trainer.__main__ import app
from trainer.checkpoint import BEST
from trainer.claim import CLAIM
from trainer.commands.train import read_recipe
from trainer.data import Photos
from trainer.fit import fit
from trainer.watch import TrainingCancelled
from trainer.workspace import alone_in
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, TrainingError
from wallscan.models import from_model_folder
from wallscan.models.files import check_files, read_manifest, write_manifest
from wallscan.models.manifest import QUANTISED
from wallscan.segment.bundle import check_bundle, load_model

pytestmark = pytest.mark.usefixtures("few_walls")


def fitted(folder, recipe, photos, base, notes=None):
    return fit(recipe, photos, folder / "work", folder / "bundle", "test/model", base, notes or Notes())


def test_a_cancelled_run_publishes_its_best_epoch(tmp_path, photos, base):
    recipe = small_recipe(steps=40, kind="decoder", epoch_steps=2, average_decay=0.5)
    manifest = fitted(tmp_path, recipe, photos, base, Notes(cancel_at=5))
    assert manifest.name == "test/model"
    assert manifest.recipe["kind"] == "decoder"
    best = torch.load(tmp_path / "work" / BEST, weights_only=True)["model"]
    published = load_model(tmp_path / "bundle").state_dict()
    for name, value in best.items():
        assert torch.equal(published[name.removeprefix("clipseg.")], value.half().float()), name


def test_cancelled_before_its_first_epoch_it_keeps_its_checkpoint(tmp_path, photos, base):
    recipe = small_recipe(steps=8, kind="decoder")
    with pytest.raises(TrainingCancelled):
        fitted(tmp_path, recipe, photos, base, Notes(cancel_at=3))
    notes = Notes()
    fitted(tmp_path, recipe, photos, base, notes)
    assert len(notes.losses) == 5


def test_cancelled_while_caching_it_goes_on_with_what_is_cached(tmp_path, photos, base):
    recipe = small_recipe(steps=2, kind="cached", variants=80)
    cancelled = Notes(cancel_at=0)
    with pytest.raises(TrainingCancelled):
        fitted(tmp_path, recipe, photos, base, cancelled)
    notes = Notes()
    fitted(tmp_path, recipe, photos, base, notes)
    assert notes.cached[-1] == (80 * len(photos.train),) * 2
    again = Notes()
    fitted(tmp_path, recipe, photos, base, again)
    assert again.cached == []


def test_with_lora_a_plain_model_is_published(tmp_path, photos, base):
    recipe = small_recipe(steps=3, kind="full", lora={"rank": 2, "learning_rate": 0.1})
    fitted(tmp_path, recipe, photos, base)
    before, after = (load_model(folder).state_dict() for folder in (base, tmp_path / "bundle"))
    assert before.keys() == after.keys()
    changed = {name for name, value in after.items() if not torch.allclose(value, before[name], atol=1e-2)}
    assert any("vision_model.encoder.layers.0.self_attn.q_proj.weight" in name for name in changed)
    assert not any("mlp" in name and "vision" in name for name in changed)


def test_a_folder_belongs_to_one_run(tmp_path, photos, base):
    recipe = small_recipe(steps=2, kind="decoder")
    fitted(tmp_path, recipe, photos, base)
    with pytest.raises(TrainingError, match="learning_rate differ") as refusal:
        fitted(tmp_path, recipe.model_copy(update={"learning_rate": 1.0}), photos, base)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN
    claimed = json.loads((tmp_path / "work" / CLAIM).read_text())
    assert claimed["recipe"]["image_size"] == 48  # the base's, not the recipe's default


def test_a_base_that_may_know_the_photos_held_out_is_warned_of(tmp_path, photos, base, caplog):
    bundle = tmp_path / "base"
    from_model_folder(base, bundle, name="house/base", licence="none")
    for learnt in ([], ["photos of then"]):
        facts = read_manifest(bundle).model_dump(mode="json", exclude={"files"})
        write_manifest(bundle, facts | {"data": learnt})
        with pytest.raises(TrainingCancelled):
            fitted(tmp_path, small_recipe(kind="decoder"), photos, bundle, Notes(cancel_at=0))
        assert ("house/base had learnt from" in caplog.text) is bool(learnt)


def test_a_name_that_no_model_may_have_is_refused_before_anything_is_trained(tmp_path, photos):
    with pytest.raises(BundleError, match="my model") as refusal:
        fit(small_recipe(), photos, tmp_path / "work", tmp_path / "out", "my model", None, Notes())
    assert refusal.value.code is Code.BUNDLE_MANIFEST_INVALID
    assert not (tmp_path / "work").exists()


def test_the_work_folder_is_no_place_for_the_bundle(tmp_path, photos):
    with pytest.raises(TrainingError) as refusal:
        fit(small_recipe(), photos, tmp_path / "one", tmp_path / "one", "a/b", None, Notes())
    assert refusal.value.code is Code.OUTPUT_TAKEN
    assert not (tmp_path / "one").exists()


def test_two_processes_do_not_train_in_one_folder(tmp_path, photos, base):
    recipe = small_recipe(kind="decoder")
    with alone_in(tmp_path / "work"), pytest.raises(TrainingError, match="another process") as refusal:
        fitted(tmp_path, recipe, photos, base)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN
    assert not (tmp_path / "work" / CLAIM).exists()
    with pytest.raises(TrainingCancelled):  # free again
        fitted(tmp_path, recipe, photos, base, Notes(cancel_at=0))


@pytest.mark.parametrize("kind", ["full", "decoder", "cached"])
def test_fine_tuning_needs_a_base(tmp_path, photos, kind):
    with pytest.raises(TrainingError) as refusal:
        fitted(tmp_path, small_recipe(kind=kind), photos, None)
    assert refusal.value.code is Code.RECIPE_INVALID


def test_a_compact_model_learns_on_all_of_it_but_its_words(tmp_path, photos, base):
    recipe = small_recipe(steps=3, muon_learning_rate=None, learning_rate=0.05, average_decay=0.0)
    fitted(tmp_path, recipe, photos, base)
    before, after = (load_model(folder).state_dict() for folder in (base, tmp_path / "bundle"))
    changed = {name for name, value in after.items() if not torch.allclose(value, before[name], atol=1e-2)}
    for part in ("vision_model.encoder.layers.0.self_attn", "text_model.encoder", "decoder.layers"):
        assert any(part in name for name in changed), part
    assert not any("token_embedding" in name for name in changed)


def test_nothing_to_hold_out_is_an_error(tmp_path, photos, base):
    with pytest.raises(TrainingError) as refusal:
        fitted(tmp_path, small_recipe(kind="decoder"), Photos(photos.train, [], []), base)
    assert refusal.value.code is Code.TRAINING_PHOTOS_MISSING


@pytest.mark.parametrize(
    ("recipe", "said"),
    [("nowhere", "neither a recipe"), ('{"stages": 3}', "stages"), ('{"kind": "full"}', "stages")],
)
def test_the_command_says_what_is_wrong_with_a_recipe(tmp_path, data, recipe, said):
    if recipe.startswith("{"):
        (tmp_path / "recipe.json").write_text(recipe)
        recipe = str(tmp_path / "recipe.json")
    options = ["--data", str(data), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["train", "--recipe", recipe, *options])
    assert result.exit_code == 2
    assert said in result.output
    assert "[recipe_invalid]" in result.output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages": []}, "how long to train"),
        ({"stages": [{"size": 32, "batch": 2, "zoom": [0.5, 1.0]}]}, "how long to train"),
        ({"checkpoint_every": 0}, "checkpoint_every"),
        ({"extract_layers": [99]}, "extract_layers"),
        ({"learning_rate": "NaN"}, "learning_rate"),
    ],
)
def test_a_recipe_that_cannot_be_run_is_refused(tmp_path, data, changes, said):
    plain = small_recipe().model_dump(mode="json") | changes
    (tmp_path / "recipe.json").write_text(json.dumps(plain))
    with pytest.raises(TrainingError, match=said) as refusal:
        read_recipe(str(tmp_path / "recipe.json"), ())
    assert refusal.value.code is Code.RECIPE_INVALID


def test_nothing_is_published_of_a_folder_without_a_checkpoint(tmp_path, data):
    options = ["--data", str(data), "--work", str(tmp_path / "typo"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["bundle", "--name", "a/b", *options])
    assert result.exit_code == 2
    assert "[checkpoint_missing]" in result.output
    assert not (tmp_path / "out").exists()


def test_a_bundle_is_calibrated_anew_by_its_own_recipe(tmp_path, data, photos, base):
    recipe = small_recipe(steps=2, kind="decoder")
    manifest = fitted(tmp_path, recipe, photos, base)
    options = ["--model", str(tmp_path / "bundle"), "--data", str(data), "--out", str(tmp_path / "again")]
    result = CliRunner().invoke(app, ["calibrate", *options])
    assert result.exit_code == 0, result.output
    again = check_files(tmp_path / "again")
    assert again.metrics == manifest.metrics
    assert again.families == manifest.families
    assert (again.data, again.seed) == (manifest.data, manifest.seed)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    options[-1] = str(tmp_path / "taken")
    assert "[output_taken]" in CliRunner().invoke(app, ["calibrate", *options]).output


def test_a_calibrated_bundle_is_exact_until_it_is_judged_again(tmp_path, data, photos, base):
    fitted(tmp_path, small_recipe(steps=2, kind="decoder"), photos, base)
    bundle, again = tmp_path / "bundle", tmp_path / "again"
    facts = check_files(bundle).model_dump(mode="json", exclude={"files"})
    admitted = {"mean_iou_drop": 0.0, "coverage_change": 0.0, "photos": 4, "benchmark_digest": "0" * 64}
    for name in QUANTISED:
        (bundle / name).write_bytes(b"a graph")
    assert write_manifest(bundle, facts | {"precisions": {"int8": admitted}}).admitted() == {"int8"}
    options = ["--model", str(bundle), "--data", str(data), "--out", str(again)]
    result = CliRunner().invoke(app, ["calibrate", *options])
    assert result.exit_code == 0, result.output
    assert "python -m trainer precision" in result.output
    assert check_files(again).precisions is None
    assert not any((again / name).exists() for name in QUANTISED)


def test_the_command_changes_a_shipped_recipe(tmp_path, data, base):
    options = ["--data", str(data), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    options += [
        "--base",
        str(base),
        "--set",
        "epochs=1",
        "--set",
        "dice_weight=0",
        "--set",
        "held_out_share=0.3",
    ]
    result = CliRunner().invoke(app, ["train", "--recipe", "decoder", *options])
    assert result.exit_code == 0, result.output
    recipe = check_bundle(tmp_path / "out").manifest.recipe
    assert (recipe["dice_weight"], recipe["stages"][0]["steps"], recipe["stages"][0]["size"]) == (0, 1, 48)
