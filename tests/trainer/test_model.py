import random

import pytest
import torch
from transformers import CLIPTokenizer

from tests.trainer.data import write_data
from tests.trainer.small import small_recipe
from trainer.batches import Frames
from trainer.data import read_folders
from trainer.model import build, embed_prompts, encode, forward
from trainer.phrases import FAMILIES, plain_words, wrong_phrase
from trainer.recipe import Recipe
from trainer.train import start, train_step
from wallscan.models import starter_bundle


@pytest.fixture(scope="module")
def tokenizer():
    return CLIPTokenizer.from_pretrained(starter_bundle())


@pytest.fixture(scope="module")
def frames(tmp_path_factory, tokenizer):
    samples, _ = read_folders(write_data(tmp_path_factory.mktemp("data")), "train")
    return Frames(samples, small_recipe(), plain_words(tokenizer))


def test_the_training_forward_answers_what_transformers_answers(tokenizer):
    model = build(small_recipe()).eval()
    pixels = torch.randn(2, 3, 48, 48)
    tokens = tokenizer(["crack", "crack"], return_tensors="pt")
    with torch.no_grad():
        theirs = model(**tokens, pixel_values=pixels).logits
        texts = embed_prompts(model, tokenizer, (("crack", "window"), ("crack", "pipe")))
        ours = forward(model, pixels, texts, (0, 0))
    assert ours.shape == (2, 2, 48, 48)
    torch.testing.assert_close(ours[:, 0], theirs, atol=1e-5, rtol=1e-5)


def test_a_step_moves_the_encoder_which_transformers_own_forward_does_not(tokenizer, frames):
    recipe = small_recipe()
    progress = start(recipe)
    before = {name: value.clone() for name, value in progress.model.named_parameters()}
    for _ in range(2):
        train_step(progress, frames.draw(recipe.stages[0], progress.rng), tokenizer, recipe)
    moved = {
        name for name, value in progress.model.named_parameters() if not torch.equal(value, before[name])
    }
    for part in (
        "vision_model.encoder.layers.0",
        "vision_model.embeddings.patch",
        "text_projection",
        "decoder",
    ):
        assert any(part in name for name in moved), part
    assert not any("token_embedding" in name for name in moved)

    model = build(recipe)
    pixels = torch.randn(1, 3, 48, 48)
    out = model(
        **tokenizer(["crack"], return_tensors="pt"), pixel_values=pixels, labels=torch.zeros(1, 48, 48)
    )
    out.loss.backward()
    assert all(parameter.grad is None for parameter in model.clip.parameters())


def test_a_fresh_model_starts_sure_of_nothing_but_mostly_empty():
    model = build(Recipe(stages=()))
    with torch.no_grad():
        pixels, texts = torch.randn(1, 3, 160, 160), torch.randn(1, 1, 64)
        logits = forward(model, pixels, texts, (3, 7))
    assert -2.5 < logits.mean() < -1.5
    assert logits.std() < 1.5


def test_each_head_of_a_fresh_model_looks_at_its_own_neighbour():
    recipe = Recipe(stages=())
    model = build(recipe)
    vision = model.clip.vision_model
    attention = vision.encoder.layers[0].self_attn
    with torch.no_grad():
        state = vision.pre_layrnorm(vision.embeddings(torch.zeros(1, 3, 320, 320)))
        tokens = vision.encoder.layers[0].layer_norm1(state)[0]
        queries = attention.q_proj(tokens).view(-1, recipe.heads, attention.head_dim)[1 + 16 * 32 + 16]
        keys = attention.k_proj(tokens).view(-1, recipe.heads, attention.head_dim)[1:]
    places = torch.einsum("hd,khd->hk", queries, keys).argmax(dim=1)
    offsets = [(int(place) % 32 - 16, int(place) // 32 - 16) for place in places]
    assert offsets == [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)]


def test_a_smaller_frame_uses_the_positions_of_its_corner():
    model = build(small_recipe()).eval()
    pixels = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        here, there = (encode(model, pixels, corner)[0] for corner in ((0, 0), (2, 1)))
    assert not torch.allclose(here, there)


def test_every_frame_has_one_right_and_one_wrong_prompt_or_nothing_to_find(frames):
    batches = [frames.draw(small_recipe().stages[0], random.Random(seed)) for seed in range(30)]
    present = 0
    for batch in batches:
        assert batch.truth.shape == (2, 2, 32, 32)
        assert not batch.truth[:, 1].any()
        assert 0 <= batch.truth.min() <= batch.truth.max() <= 1
        present += int(batch.truth[:, 0].any(axis=(1, 2)).sum())
    assert present > 30


def test_wrong_prompts_never_name_the_family(tokenizer):
    rng = random.Random(0)
    words = plain_words(tokenizer)
    wrong = {wrong_phrase(("crack",), words, rng) for _ in range(500)}
    assert not wrong & set(FAMILIES["crack"])
    assert wrong & set(FAMILIES["drywall joint"])
    assert len(wrong) > 150
