"""A work folder goes on with its own run alone, wherever its photos lie."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from tests.trainer.small import small_recipe
from trainer import settle
from trainer.checkpoint import BEST, LAST
from trainer.claim import CLAIM, claim, claimed, require_run
from trainer.data import Classes, Photos, SplitBy, default_classes, read_photos
from trainer.teacher import FILE as TEACHER
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

CPU = torch.device("cpu")


@pytest.fixture
def recipe():
    return small_recipe()


def begun(work, recipe, photos, base=None):
    return claim(work, recipe, photos, base, CPU)


def refused(work, recipe, photos, base=None):
    """What is said to differ."""
    with pytest.raises(TrainingError) as refusal:
        begun(work, recipe, photos, base)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN
    return refusal.value.detail.partition("another run: ")[2].removesuffix(" differ")


def other_words():
    families = default_classes().model_dump()["families"]
    families["crack"]["phrases"] = (*families["crack"]["phrases"], "Haarriss")
    return Classes.model_validate({"families": families})


def test_the_same_photos_elsewhere_are_the_same(tmp_path, data, photos, recipe):
    begun(tmp_path / "work", recipe, photos)
    written = (tmp_path / "work" / CLAIM).read_bytes()
    moved = shutil.copytree(data, tmp_path / "away" / data.name)
    there, _ = read_photos([moved], 0.3, 7)
    turned = replace(there, train=there.train[::-1])
    assert there.train[0].image != photos.train[0].image
    for same in (photos, there, turned):
        assert begun(tmp_path / "work", recipe, same) == recipe
    assert (tmp_path / "work" / CLAIM).read_bytes() == written
    assert str(data).encode() not in written


@pytest.mark.parametrize("name", [LAST, BEST, TEACHER])
def test_weights_that_nothing_tells_of_are_refused(tmp_path, photos, recipe, name):
    """A teacher that was put there may have learnt from the photos that judge."""
    (tmp_path / name).write_bytes(b"from somewhere")
    with pytest.raises(TrainingError, match=f"holds {name}, and no {CLAIM}") as refusal:
        begun(tmp_path, recipe, photos)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN
    assert not (tmp_path / CLAIM).exists()


def test_a_run_that_another_version_began_is_refused(tmp_path, photos, recipe):
    begun(tmp_path, recipe, photos)
    told = json.loads((tmp_path / CLAIM).read_text())
    del told["trains"]  # as before there were numbers
    (tmp_path / CLAIM).write_text(json.dumps(told))
    assert refused(tmp_path, recipe, photos) == "the trainer's versions"
    assert claimed(tmp_path, photos, None) == recipe  # to be published as it is


def test_other_photos_are_refused(tmp_path, photos, recipe):
    begun(tmp_path, recipe, photos)
    fewer = replace(photos, train=photos.train[1:])
    assert refused(tmp_path, recipe, fewer) == "photos learnt from"
    held_out = replace(photos, held_out=photos.held_out[1:])
    assert refused(tmp_path, recipe, held_out) == "photos held out"
    redrawn = replace(photos.train[0], unsettled=frozenset({"drywall joint"}))
    assert refused(tmp_path, recipe, replace(photos, train=[redrawn, *photos.train[1:]])) == (
        "photos learnt from"
    )


def test_another_split_of_the_same_photos_is_refused(tmp_path, data, photos, recipe):
    begun(tmp_path, recipe, photos)
    grouped, _ = read_photos([data], 0.3, 7, SplitBy.GROUPED)
    assert refused(tmp_path, recipe, grouped) == "photos learnt from, photos held out"


def test_other_phrases_another_recipe_and_another_base_are_refused(tmp_path, photos, recipe, base):
    begun(tmp_path, recipe, photos, base)
    assert refused(tmp_path, recipe, replace(photos, classes=other_words()), base) == "phrases of the classes"
    changed = recipe.model_copy(update={"learning_rate": 1.0, "seed": 8})
    assert refused(tmp_path, changed, photos, base) == "learning_rate, seed"
    assert refused(tmp_path, recipe, photos).startswith("base (its weights have the SHA-256 ")


@pytest.mark.parametrize(
    ("allowed", "pays", "computed"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_run_stays_in_the_precision_it_began_in(
    tmp_path, photos, recipe, monkeypatch, allowed, pays, computed
):
    allowing = recipe.model_copy(update={"bf16": allowed})
    monkeypatch.setattr(settle, "bf16_pays", lambda _: pays)
    assert begun(tmp_path, allowing, photos).bf16 is computed
    monkeypatch.setattr(settle, "bf16_pays", lambda _: not pays)
    assert begun(tmp_path, allowing, photos).bf16 is computed
    assert claimed(tmp_path, photos, None).bf16 is computed


def test_a_run_in_bf16_is_not_gone_on_with_where_that_is_forbidden(tmp_path, photos, recipe, monkeypatch):
    monkeypatch.setattr(settle, "bf16_pays", lambda _: True)
    begun(tmp_path, recipe.model_copy(update={"bf16": True}), photos)
    assert refused(tmp_path, recipe, photos) == "bf16"


def test_what_an_older_version_wrote_is_refused(tmp_path, photos, recipe):
    begun(tmp_path, recipe, photos)
    document = json.loads((tmp_path / CLAIM).read_text())
    del document["learnt"]
    (tmp_path / CLAIM).write_text(json.dumps(document))
    with pytest.raises(TrainingError, match="learnt") as refusal:
        begun(tmp_path, recipe, photos)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN


def test_what_a_newer_version_wrote_is_refused(tmp_path, photos, recipe):
    begun(tmp_path, recipe, photos)
    document = json.loads((tmp_path / CLAIM).read_text())
    document["recipe"]["dropout"] = 0.5
    (tmp_path / CLAIM).write_text(json.dumps(document))
    with pytest.raises(TrainingError, match="dropout") as refusal:
        begun(tmp_path, recipe, photos)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN


def test_a_folder_without_a_run_has_none_to_publish(tmp_path):
    with pytest.raises(TrainingError) as refusal:
        require_run(tmp_path)
    assert refusal.value.code is Code.CHECKPOINT_MISSING


def test_a_run_of_other_photos_is_not_published(tmp_path, photos, recipe):
    begun(tmp_path, recipe, photos)
    with pytest.raises(TrainingError) as refusal:
        claimed(tmp_path, Photos(photos.train[1:], photos.held_out, photos.valid), None)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN
