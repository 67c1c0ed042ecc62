import time

import numpy as np
import pytest
import torch

from tests.trainer.data import read, write_image
from tests.trainer.data.test_corrected import put_mask
from tests.trainer.small import small_recipe
from trainer import settle
from trainer.optimise import learning_rate_share
from trainer.recipe import Sources
from trainer.settle import NEEDED, bf16_pays, drawable, settled
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.segment.preprocess import InputSpec

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("able", "seconds", "pays"),
    [
        ({"avx512_bf16": True}, {torch.float32: 2.0, torch.bfloat16: 1.0}, True),
        ({"avx512_bf16": True}, {torch.float32: 1.0, torch.bfloat16: 2.0}, False),
        ({"amx_bf16": True}, {torch.float32: 1.0, torch.bfloat16: 0.95}, False),
        ({}, {torch.float32: 2.0, torch.bfloat16: 1.0}, False),
    ],
)
def test_bf16_is_used_where_it_is_clearly_faster(monkeypatch, able, seconds, pays):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    monkeypatch.setattr(settle, "_product_s", seconds.__getitem__)
    bf16_pays.cache_clear()
    assert bf16_pays(CPU) is pays
    bf16_pays.cache_clear()


def test_a_gpu_that_emulates_bf16_is_no_reason_for_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    bf16_pays.cache_clear()
    assert not bf16_pays(torch.device("cuda"))
    bf16_pays.cache_clear()


def test_a_product_takes_the_least_of_the_processor_seconds_of_several(monkeypatch):
    took = [5.0, 2.0, 1.0, 4.0, 3.0]
    clock = iter([at for turn, seconds in enumerate(took) for at in (10.0 * turn, 10.0 * turn + seconds)])
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    monkeypatch.setattr(settle, "SQUARE", 8)  # what is timed does not matter
    assert settle._product_s(torch.bfloat16) == 1.0
    assert next(clock, None) is None


def corrected(root, **masks):
    """A photo with a mask for each family: whether it is there."""
    write_image(root / "1.jpg")
    for family, there in masks.items():
        put_mask(root, "1.jpg", family.replace("_", " "), np.full((64, 64), 255 * there, np.uint8))
    return list(read(root)[0].values())


@pytest.mark.parametrize(
    ("masks", "drawn"),
    [
        ({"crack": True}, {"crack"}),
        ({"drywall_joint": True}, {"drywall_joint", "pasted_crack"}),
        ({"crack": True, "drywall_joint": True}, {"crack", "drywall_joint", "pasted_crack", "pasted_joint"}),
        ({"crack": False}, {"clean"}),
        ({"crack": False, "drywall_joint": True}, {"drywall_joint", "pasted_crack"}),
    ],
)
def test_a_source_is_drawn_where_there_are_photos_for_it(tmp_path, masks, drawn):
    recipe = small_recipe()
    (stage,) = drawable(recipe, corrected(tmp_path, **masks)).stages
    kept, before = stage.sources.model_dump(), recipe.stages[0].sources.model_dump()
    assert {source for source in NEEDED if kept[source]} == drawn
    assert all(kept[source] in {0.0, before[source]} for source in kept)


@pytest.mark.parametrize(("epochs", "warmup"), [(3, 0), (40, 8), (2000, 100)])
def test_a_small_data_set_is_not_all_warm_up(photos, epochs, warmup):
    recipe = small_recipe(epochs=epochs, warmup_steps=100, schedule="cosine")
    spec = InputSpec(side=48, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    counted = settled(recipe, photos, spec)
    assert (counted.steps, counted.warmup_steps) == (2 * epochs, warmup)
    assert max(learning_rate_share(counted, step) for step in range(counted.steps)) > 0.99
    assert settled(small_recipe(warmup_steps=100), photos, spec).warmup_steps == 100, "steps are as given"


def test_a_recipe_that_draws_on_clean_photos_alone_needs_one(tmp_path):
    sources = Sources(**{name: float(name == "clean") for name in Sources.model_fields})
    stage = small_recipe().stages[0].model_copy(update={"sources": sources})
    recipe = small_recipe(stages=(stage,))
    with pytest.raises(TrainingError) as refusal:
        drawable(recipe, corrected(tmp_path, crack=True))
    assert refusal.value.code is Code.TRAINING_PHOTOS_MISSING
    assert drawable(recipe, corrected(tmp_path, crack=False)) == recipe
