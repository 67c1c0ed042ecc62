import pytest
import torch
from transformers import CLIPTokenizer

from tests.trainer.small import small_recipe
from trainer.model import REACH, build, decode, embed, encode
from trainer.recipe import shipped_recipe
from wallscan.models import starter_bundle


@pytest.mark.parametrize("changes", [{}, {"patch_size": 16, "convolutional_head": True}])
def test_the_training_forward_answers_what_transformers_answers(changes):
    tokenizer = CLIPTokenizer.from_pretrained(starter_bundle())
    model = build(small_recipe(**changes)).eval()
    pixels = torch.randn(2, 3, 48, 48)
    tokens = tokenizer(["crack", "crack"], return_tensors="pt")
    with torch.no_grad():
        theirs = model(**tokens, pixel_values=pixels).logits
        texts = embed(model, tokenizer, ["crack", "window", "crack", "pipe"]).view(2, 2, -1)
        ours = decode(model, encode(model, pixels, (0, 0)), texts)
    assert ours.shape == (2, 2, 48, 48)
    torch.testing.assert_close(ours[:, 0], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"patch_size": 16, "convolutional_head": True}])
def test_a_fresh_model_starts_sure_of_nothing_but_mostly_empty(changes):
    model = build(shipped_recipe("starter").model_copy(update=changes))
    with torch.no_grad():
        pixels, texts = torch.randn(1, 3, 160, 160), torch.randn(1, 1, 64)
        logits = decode(model, encode(model, pixels, (3, 7)), texts)
    assert -2.5 < logits.mean() < -1.5
    assert logits.std() < 1.5


def test_each_head_of_a_fresh_model_looks_at_its_own_neighbour():
    recipe = shipped_recipe("starter")
    model = build(recipe)
    vision = model.clip.vision_model
    attention = vision.encoder.layers[0].self_attn
    side = recipe.image_size // recipe.patch_size
    middle = side // 2
    with torch.no_grad():
        pixels = torch.zeros(1, 3, recipe.image_size, recipe.image_size)
        state = vision.pre_layrnorm(vision.embeddings(pixels))
        tokens = vision.encoder.layers[0].layer_norm1(state)[0]
        queries = attention.q_proj(tokens).view(-1, recipe.heads, attention.head_dim)
        queries = queries[1 + middle * side + middle]
        keys = attention.k_proj(tokens).view(-1, recipe.heads, attention.head_dim)[1:]
    places = torch.einsum("hd,khd->hk", queries, keys).argmax(dim=1)
    offsets = [(int(place) % side - middle, int(place) // side - middle) for place in places]
    assert offsets == [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)]


def test_a_decoder_may_be_wider():
    model = build(small_recipe(decoder_width=96)).eval()
    assert model.decoder.layers[0].self_attn.num_heads == 3
    with torch.no_grad():
        maps = decode(model, encode(model, torch.randn(1, 3, 48, 48), (0, 0)), torch.randn(1, 2, 64))
    assert maps.shape == (1, 2, 48, 48)


def test_a_model_may_be_deeper_than_the_distances_that_are_given():
    model = build(small_recipe(layers=len(REACH) + 1)).eval()
    with torch.no_grad():
        assert len(encode(model, torch.randn(1, 3, 48, 48), (0, 0))) == 2


def test_a_smaller_frame_uses_the_positions_of_its_corner():
    model = build(small_recipe()).eval()
    pixels = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        here, there = (encode(model, pixels, corner)[0] for corner in ((0, 0), (2, 1)))
    assert not torch.allclose(here, there)
