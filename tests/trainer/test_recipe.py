import json

import pytest
from pydantic import ValidationError

from tests.trainer.small import small_recipe
from trainer.commands.train import read_recipe
from trainer.recipe import RECIPES, Recipe, Sources, shipped_recipe
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models import starter_bundle
from wallscan.models.files import read_manifest

NO_SOURCE = dict.fromkeys(Sources.model_fields, 0.0)


def staged(**changes):
    """A recipe whose stage has these values."""
    stage = {"steps": 2, "size": 32, "batch": 2, "zoom": [0.5, 1.0]}
    return small_recipe().model_dump(mode="json") | {"stages": [stage | changes]}


def changed(**changes):
    return small_recipe().model_dump(mode="json") | changes


CANNOT_RUN = [
    (staged(size=33), "size 33 is no multiple of patch_size"),
    (changed(image_size=50), "image_size 50 is no multiple of patch_size"),
    (changed(patch_size=7), "no multiple of patch_size"),
    (changed(kind="cached", stages=staged()["stages"] * 2), "a cached recipe has one stage"),
    (changed(convolutional_head=True), "a convolutional_head draws patch_size 16"),
    (changed(heads=3), "width 32 is no multiple of heads"),
    (changed(extract_layers=[]), "extract_layers"),
    (changed(image_size=4096), "image_size"),
    (changed(image_std=[0.2, 0.0, 0.2]), "image_std"),
    (changed(seed=2**64), "seed"),
    *((staged(zoom=zoom), "zoom") for zoom in ([0.0, 1.0], [-0.5, 1.0], [0.8, 0.5], [0.5, 1.5])),
    (staged(steps=-1), "steps"),
    (staged(peak_weight=-0.1), "peak_weight"),
    (staged(furniture_share=1.5), "furniture_share"),
    (staged(sources={"crack": -0.1}), "crack"),
    (staged(sources=NO_SOURCE), "one of the sources"),
    *(
        (changed(**{name: -1}), name)
        for name in (
            "learning_rate", "muon_learning_rate", "encoder_learning_rate", "layer_decay", "warmup_steps",
            "weight_decay", "dice_weight", "empty_weight", "final_learning_rate_share", "decay_share",
        )
    ),
    (changed(gradient_norm=0), "gradient_norm"),
    (changed(kind="full", lora={"learning_rate": -1}), "lora.learning_rate"),
]  # fmt: skip


@pytest.mark.parametrize(("recipe", "said"), CANNOT_RUN, ids=range(len(CANNOT_RUN)))
def test_a_recipe_that_cannot_run_is_refused_when_it_is_read(tmp_path, recipe, said):
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(TrainingError, match=said) as refusal:
        read_recipe(str(tmp_path / "recipe.json"), ())
    assert refusal.value.code is Code.RECIPE_INVALID


@pytest.mark.parametrize(
    "recipe",
    [
        staged(zoom=[1.0, 1.0]),
        staged(sources=NO_SOURCE | {"rendered_clean": 1.0}),
        changed(learning_rate=0.0, weight_decay=0, dice_weight=0, warmup_steps=0),
        changed(muon_learning_rate=None),
        # The frames of these are as large as the input of their base.
        staged(size=33) | {"kind": "decoder"},
    ],
)
def test_what_is_at_its_bounds_can_run(recipe):
    assert Recipe.model_validate(recipe).steps


@pytest.mark.parametrize("name", sorted(file.stem for file in RECIPES.glob("*.json")))
def test_what_is_shipped_can_run_and_learns_from_clean_photos(name):
    recipe = shipped_recipe(name)
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    assert all(stage.sources.clean > 0 for stage in recipe.stages)


def test_the_starters_recipe_is_what_the_starter_was_trained_by():
    """But for what the photos decided: none of them showed nothing."""
    made = Recipe.model_validate(read_manifest(starter_bundle()).recipe)
    shipped = shipped_recipe("starter").model_dump()
    for stage in (*shipped["stages"], *shipped["teacher"]["stages"]):
        stage["sources"]["clean"] = 0.0
    assert made.model_dump() == shipped


def test_a_teacher_of_before_it_had_stages_is_read_as_it_was():
    stage = {"steps": 2, "size": 32, "batch": 2, "zoom": [0.5, 1.0]}
    old = Recipe.model_validate(changed(teacher={"stage": stage})).teacher
    assert old is not None
    assert (len(old.stages), old.muon_learning_rate, old.other_family_share) == (1, None, 0.55)
    assert Recipe.model_validate(changed(teacher=old.model_dump(mode="json"))).teacher == old


def test_a_new_source_comes_last():
    """Choices by weight depend on the order; so seeds go on meaning what they meant."""
    assert list(Sources.model_fields)[-1] == "clean"
    with pytest.raises(ValidationError):
        Sources.model_validate({"nonsense": 1.0})
