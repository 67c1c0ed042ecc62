"""What the cached recipe keeps of an encoder: shared by all runs it is the same for, and by no other."""

import fcntl
import threading

import numpy as np
import pytest
import torch

from tests.trainer.data import write_data, write_image
from tests.trainer.data.test_corrected import put_mask
from tests.trainer.small import Notes, small_recipe, write_base
from tests.trainer.test_train import equal, run, weights
from trainer.activations import FOLDER, SHAPING, STAGE_SHAPING, store_key
from trainer.batches import Frames
from trainer.data import Photos, read_photos
from trainer.network import open_network
from trainer.recipe import Lora, Recipe, Stage, Teacher
from trainer.settle import settled
from trainer.watch import TrainingCancelled

OTHER = {
    "kind": "decoder", "epochs": 3, "epoch_steps": 5, "accumulate": 2, "patience": 3,
    "encoder_learning_rate": 0.5, "layer_decay": 0.5, "lora": Lora(), "schedule": "cosine", "patch_size": 4,
    "width": 16, "heads": 4, "layers": 3, "extract_layers": (0,), "decoder_width": 96, "learning_rate": 0.5,
    "muon_learning_rate": None, "final_learning_rate_share": 0.5, "warmup_steps": 3, "decay_share": 0.5,
    "weight_decay": 0.5, "gradient_norm": 0.5, "average_decay": 0.5, "dice_weight": 0.5, "empty_weight": 0.25,
    "loss": "bce", "other_family_share": 0.1, "held_out_share": 0.4, "checkpoint_every": 7, "bf16": True,
    "teacher": Teacher(stages=(Stage(steps=1, size=32, batch=1, zoom=(0.5, 1.0)),)), "word_steps": 3,
    "convolutional_head": True, "muon_on": "all",
}  # fmt: skip
"""Another value of each that says how to learn from frames, and not what they are."""
SHAPES = {
    "seed": 8, "variants": 3, "image_size": 32, "image_mean": (0.1, 0.1, 0.1), "image_std": (0.1, 0.1, 0.1),
    "mosaic_share": 0.9, "turn_share": 0.9, "anywhere_share": 0.9,
}  # fmt: skip
STAGE_OTHER = {"steps": 9, "batch": 3, "peak_weight": 0.5}


VARIANTS = 12


@pytest.fixture(scope="module")
def network(base):
    return open_network(small_recipe(kind="cached"), base)


@pytest.fixture
def recipe(photos, network):
    return settled(small_recipe(steps=4, kind="cached", variants=2), photos, network.spec)


def staged(recipe: Recipe, **changes: object) -> Recipe:
    return recipe.model_copy(update={"stages": (recipe.stages[0].model_copy(update=changes),)})


def stage_shapes(recipe):
    sources = recipe.stages[0].sources
    return {
        "size": 32, "zoom": (0.1, 0.2), "furniture_share": 0.9,
        "sources": sources.model_copy(update={"rendered_clean": 5.0}),
    }  # fmt: skip


def scenes(recipe, photos):
    frames = Frames(photos.train, recipe, ["word"])
    return [frames.scene(number)[0] for number in range(recipe.variants * len(photos.train))]


def test_each_value_of_a_recipe_either_shapes_frames_or_does_not():
    assert {*OTHER, *SHAPES, "stages"} == set(Recipe.model_fields)
    assert {*STAGE_OTHER, *STAGE_SHAPING} == set(Stage.model_fields)
    assert set(SHAPES) == set(SHAPING)


def test_runs_that_learn_in_another_way_share_them(recipe, photos, network):
    key = store_key(recipe, network, photos, "no")
    drawn = scenes(recipe, photos)
    others = [recipe.model_copy(update={name: value}) for name, value in OTHER.items()]
    others += [staged(recipe, **{name: value}) for name, value in STAGE_OTHER.items()]
    for other in others:
        assert other != recipe
        assert store_key(other, network, photos, "no") == key
        assert all(map(np.array_equal, scenes(other, photos), drawn))


def test_other_frames_are_kept_apart(recipe, photos, network):
    others = [recipe.model_copy(update={name: value}) for name, value in SHAPES.items()]
    others += [staged(recipe, **{name: value}) for name, value in stage_shapes(recipe).items()]
    keys = {store_key(other, network, photos, "no") for other in (recipe, *others)}
    assert len(keys) == 1 + len(others)
    drawn = scenes(recipe, photos)
    for name in ("mosaic_share", "turn_share", "anywhere_share", "seed"):
        other = recipe.model_copy(update={name: SHAPES[name]})
        assert not all(map(np.array_equal, scenes(other, photos), drawn)), name


def test_another_encoder_precision_or_photo_is_kept_apart(tmp_path, recipe, photos, network, data):
    keys = [store_key(recipe, network, photos, precision) for precision in ("no", "bf16")]
    keys.append(store_key(recipe, network, Photos(photos.train[1:], photos.held_out, []), "no"))
    later = write_base(tmp_path / "later", extract_layers=[1, 2])
    heads = write_base(tmp_path / "heads", vision={"num_attention_heads": 4})
    keys += [store_key(recipe, open_network(recipe, other), photos, "no") for other in (later, heads)]
    changed = open_network(recipe, write_base(tmp_path / "changed"))
    with torch.no_grad():
        changed.clipseg.clip.vision_model.embeddings.class_embedding += 1
    keys.append(store_key(recipe, changed, photos, "no"))
    assert len(set(keys)) == len(keys)
    same = open_network(recipe, write_base(tmp_path / "same"))
    with torch.no_grad():
        same.clipseg.decoder.reduces[0].bias += 1  # a decoder that was trained before
    elsewhere, _ = read_photos([data], 0.3, 7)
    assert store_key(recipe, same, elsewhere, "no") == keys[0]


def test_a_second_trial_encodes_nothing_and_learns_as_if_alone(tmp_path, photos, base):
    recipe = small_recipe(steps=3, kind="cached", variants=2)
    other = recipe.model_copy(update={"learning_rate": 1e-4, "dice_weight": 0.0})
    shared = tmp_path / "shared"
    first = run(recipe, photos, base, tmp_path / "first", activations=shared)[1]
    second, notes, _ = run(other, photos, base, tmp_path / "second", activations=shared)
    alone, told, _ = run(other, photos, base, tmp_path / "alone")
    assert first.cached
    assert (notes.cached, bool(told.cached)) == ([], True)
    assert not (tmp_path / "second" / "activations").exists()
    assert notes.losses == told.losses
    assert equal(weights(second), weights(alone))


@pytest.mark.parametrize("part", ["train", "held_out"])
def test_one_that_is_being_filled_is_waited_for(tmp_path, photos, base, monkeypatch, part):
    monkeypatch.setattr("trainer.store.ASK_EVERY_S", 0.01)
    recipe = small_recipe(steps=1, kind="cached", variants=2)
    run(recipe, photos, base, tmp_path / "first", activations=tmp_path / "shared")
    (folder,) = (tmp_path / "shared").iterdir()
    count = len(photos.held_out) if part == "held_out" else 2 * len(photos.train)
    whole = (folder / part / "states").read_bytes()
    (folder / part / "done").write_text("0")
    monkeypatch.delattr("trainer.activations._encoded")  # there is nothing left to encode
    waited = threading.Event()

    class Waits(Notes):
        def prepared(self, what: str, done: int, total: int) -> None:
            super().prepared(what, done, total)
            waited.set()

    notes, lock = Waits(), (folder / part / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    given = (recipe, photos, base, tmp_path / "second", notes)
    second = threading.Thread(target=run, args=given, kwargs={"activations": tmp_path / "shared"})
    second.start()
    assert waited.wait(60)
    (folder / part / "done").write_text(str(count))
    lock.close()
    second.join(60)
    assert notes.losses
    assert {done for done, _ in notes.cached} <= {0, count}
    assert (folder / part / "states").read_bytes() == whole


def test_whoever_waits_can_be_cancelled(tmp_path, photos, base):
    recipe = small_recipe(steps=1, kind="cached", variants=2)
    run(recipe, photos, base, tmp_path / "first", activations=tmp_path / "shared")
    (folder,) = (tmp_path / "shared").iterdir()
    (folder / "train" / "done").unlink()
    with (folder / "train" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrainingCancelled):
            run(
                recipe, photos, base, tmp_path / "second", Notes(cancel_at=0), activations=tmp_path / "shared"
            )


def test_clean_photos_are_among_the_frames_that_are_kept(tmp_path, base):
    """Of a photo cleared of cracks alone nothing is known of joints; all other frames know both."""
    root = write_data(tmp_path / "data", count=4, side=64)
    write_image(root / "cleared.jpg")
    put_mask(root, "cleared.jpg", "crack", np.zeros((64, 64), np.uint8))
    photos, _ = read_photos([root], 0.3, 7)
    assert "cleared.jpg" in {sample.image.name for sample in photos.train}
    run(small_recipe(steps=2, kind="cached", variants=VARIANTS), photos, base, tmp_path / "work")

    count = VARIANTS * len(photos.train)
    (kept,) = (tmp_path / "work" / FOLDER).glob("*/train")
    known = np.fromfile(kept / "known", np.bool_).reshape(count, 2)
    truths = np.fromfile(kept / "truths", np.uint8).reshape(count, 2, -1)
    clean = (known == (True, False)).all(axis=1)
    assert 0 < clean.sum() < count / 4
    assert known[~clean].all()
    assert not truths[clean].any()
    assert truths[~clean].any()
