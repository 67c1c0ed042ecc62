import math

import pytest
import torch

from tests.trainer.small import small_recipe
from trainer.network import open_network
from trainer.optimise import learning_rate_share, make_optimizers, teachers_optimizers, update_average
from trainer.recipe import Stage, Teacher
from trainer.unet import UNet


def rates(recipe, base):
    network = open_network(recipe, base)
    (optimizer,) = make_optimizers(network, recipe)
    names = {id(value): name for name, value in network.clipseg.named_parameters()}
    return {
        names[id(value)]: (group["peak"], group["weight_decay"])
        for group in optimizer.param_groups
        for value in group["params"]
    }


def names_in(optimizer, module):
    names = {id(value): name for name, value in module.named_parameters()}
    return {names[id(value)] for group in optimizer.param_groups for value in group["params"]}


@pytest.mark.parametrize("head", [False, True])
def test_muon_on_all_steps_what_is_multiplied_between_pixels_and_maps(head):
    stages = (Stage(steps=1, size=32, batch=1, zoom=(0.5, 1.0)),)
    recipe = small_recipe(
        teacher=Teacher(stages=stages, widths=(8, 16), feature_weight=1.0),
        muon_on="all", patch_size=16, convolutional_head=head,
    )  # fmt: skip
    network = open_network(recipe, None)
    adamw, muon = (names_in(one, network) for one in make_optimizers(network, recipe))
    learning = {name: value for name, value in network.named_parameters() if value.requires_grad}
    assert adamw | muon == learning.keys()
    assert not adamw & muon
    for part in ("vision_model.embeddings.patch_embedding", "vision_model.encoder.layers.0.mlp.fc1"):
        assert f"clipseg.clip.{part}.weight" in muon
    assert {name for name in learning if "decoder" in name and learning[name].ndim > 1} <= muon
    assert any("transposed_convolution" in name for name in muon)
    assert not [name for name in muon if "text" in name or "position" in name or "likeness" in name]
    assert {name for name in learning if name.endswith("bias")} <= adamw


def test_a_teachers_inner_convolutions_are_muons():
    unet = UNet(2, (8, 16))
    teacher = Teacher(stages=(Stage(steps=1, size=32, batch=1, zoom=(0.5, 1.0)),), widths=(8, 16))
    adamw, muon = (names_in(one, unet) for one in teachers_optimizers(unet, teacher, bf16=False))
    assert adamw | muon == {name for name, _ in unet.named_parameters()}
    assert {"down.0.first.weight", "down.1.past.weight", "up.0.second.weight"} <= muon
    assert {"stem.weight", "maps.weight", "down.0.norms.0.weight", "maps.bias"} <= adamw
    (alone,) = teachers_optimizers(unet, teacher.model_copy(update={"muon_learning_rate": None}), bf16=False)
    assert names_in(alone, unet) == adamw | muon


def test_cosine_rises_and_falls_to_its_end():
    recipe = small_recipe(steps=102, schedule="cosine", warmup_steps=2, final_learning_rate_share=0.1)
    shares = [learning_rate_share(recipe, step) for step in range(103)]
    assert shares[:3] == [0.5, 1.0, 1.0]
    assert shares[52] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 2)))
    assert shares[2:] == sorted(shares[2:], reverse=True)
    assert shares[102] == pytest.approx(0.1)


def test_a_plateau_does_not_know_how_long_it_will_last():
    short, long = (small_recipe(steps=steps, decay_share=0.5) for steps in (20, 40))
    assert [learning_rate_share(short, step) for step in range(10)] == [
        learning_rate_share(long, step) for step in range(10)
    ]
    assert learning_rate_share(short, 19) < learning_rate_share(long, 19) == 1.0


def test_encoder_and_decoder_have_rates_of_their_own_and_vectors_do_not_decay(base):
    found = rates(small_recipe(kind="full", learning_rate=1e-3, encoder_learning_rate=1e-6), base)
    layer = "clip.vision_model.encoder.layers.0.self_attn.q_proj"
    assert found[f"{layer}.weight"] == (1e-6, 0.05)
    assert found[f"{layer}.bias"] == (1e-6, 0.0)
    assert found["decoder.film_mul.weight"] == (1e-3, 0.05)


def test_layers_nearer_the_pixels_may_learn_more_slowly(base):
    found = rates(small_recipe(kind="full", encoder_learning_rate=1.0, layer_decay=0.5), base)
    by_layer = [found[f"clip.vision_model.encoder.layers.{layer}.mlp.fc1.weight"][0] for layer in range(3)]
    assert by_layer == [0.25, 0.5, 1.0]
    assert found["clip.vision_model.embeddings.patch_embedding.weight"][0] == 0.125


def test_adapters_have_their_own_rate(base):
    found = rates(small_recipe(kind="full", lora={"rank": 2, "learning_rate": 3e-4}), base)
    assert {rate for name, (rate, _) in found.items() if "vision_model" in name} == {3e-4}


def test_an_average_follows_by_names():
    model = torch.nn.Linear(1, 1)
    average = {"weight": torch.zeros(1, 1)}
    update_average(average, model, 0.75)
    assert torch.allclose(average["weight"], 0.25 * model.weight)
