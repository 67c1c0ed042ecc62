import numpy as np
import pytest
import torch

from tests.trainer.small import SIDE, small_recipe
from trainer.lora import merge_lora
from trainer.network import open_network
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.segment.preprocess import normalised

PROMPTS = (("crack", "a cat"), ("wall crack", "a much longer prompt of many words"))


def pixels(count=2):
    rng = np.random.default_rng(5)
    return torch.from_numpy(rng.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8))


def test_pixels_are_normalised_as_for_inference(base):
    network = open_network(small_recipe(kind="decoder"), base)
    images = pixels()
    seen = []
    network.clipseg.clip.vision_model.embeddings.patch_embedding.register_forward_hook(
        lambda _module, given, _out: seen.append(given[0])
    )
    network(images, PROMPTS)
    assert torch.equal(seen[0], torch.from_numpy(normalised(images.numpy(), network.spec)))


def test_it_answers_what_transformers_answers_from_a_finer_grid_too(base):
    network = open_network(small_recipe(kind="decoder"), base)
    model, images = network.clipseg, pixels()
    for place in range(2):
        words = [row[place] for row in PROMPTS]
        tokens = network.tokenizer(words, padding=True, return_tensors="pt")
        given = torch.from_numpy(normalised(images.numpy(), network.spec))
        with torch.no_grad():
            theirs = model(**tokens, pixel_values=given).logits
            ours = network(images, PROMPTS)[:, place]
        assert ours.shape == (2, SIDE, SIDE)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_an_image_is_encoded_once_for_all_prompts_and_no_layer_in_vain(base):
    network = open_network(small_recipe(kind="decoder"), base)
    calls = []
    for index, layer in enumerate(network.clipseg.clip.vision_model.encoder.layers):
        layer.register_forward_hook(lambda _m, given, _o, index=index: calls.append((index, len(given[0]))))
    network(pixels(), PROMPTS)
    assert calls == [(0, 2), (1, 2), (2, 2)]  # of four layers, the decoder reads those after 0 and 2


def test_a_prompt_is_embedded_once_and_alone(base):
    network = open_network(small_recipe(kind="decoder"), base)
    calls = []
    network.clipseg.clip.text_model.register_forward_hook(lambda *_: calls.append(1))
    first = network(pixels(), PROMPTS)
    assert len(calls) == 4
    again = network(pixels(), (("crack", "crack"), ("wall crack", "a cat")))
    assert len(calls) == 4
    assert torch.equal(first[:, 0], again[:, 0])


def test_hidden_states_may_stand_in_for_pixels(base):
    network = open_network(small_recipe(kind="cached"), base)
    with torch.no_grad():
        states = torch.stack(network.encode(pixels(), (0.0, 0.0)))
        assert torch.equal(network(states, PROMPTS), network(pixels(), PROMPTS))
        half = network(states.half(), PROMPTS)
    torch.testing.assert_close(half, network(pixels(), PROMPTS), atol=5e-3, rtol=5e-3)


def test_lora_starts_as_its_base_and_is_merged_without_a_trace(base):
    plain = open_network(small_recipe(kind="full"), base)
    adapted = open_network(small_recipe(kind="full", lora={"rank": 2}), base)
    assert torch.equal(plain(pixels(), PROMPTS), adapted(pixels(), PROMPTS))
    names = [name for name, value in adapted.named_parameters() if value.requires_grad and "vision" in name]
    assert names
    assert all(".parametrizations.weight.0." in name for name in names)
    for name, value in adapted.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(value.data)
    before = adapted(pixels(), PROMPTS)
    assert not torch.allclose(before, plain(pixels(), PROMPTS))
    merge_lora(adapted.clipseg)
    torch.testing.assert_close(adapted(pixels(), PROMPTS), before)
    assert adapted.clipseg.state_dict().keys() == plain.clipseg.state_dict().keys()


@pytest.mark.parametrize(
    ("size", "patch_size"),
    [(24, 8), (30, 10)],  # a frame that the base cannot take, and patches that its input is not made of
)
def test_frames_fit_the_patches_of_the_base(base, size, patch_size):
    stage = small_recipe().stages[0].model_copy(update={"size": size})
    recipe = small_recipe(stages=(stage,), patch_size=patch_size, image_size=size)
    with pytest.raises(TrainingError, match="patches of 16 px") as refusal:
        open_network(recipe, base)
    assert refusal.value.code is Code.RECIPE_INVALID
    assert open_network(small_recipe(patch_size=16), base).spec.side == SIDE
