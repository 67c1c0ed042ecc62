"""The graphs themselves: what is computed, and what is not."""

from typing import cast

import pytest
import torch
from tokenizers import Tokenizer
from transformers import CLIPSegForImageSegmentation

from tests.segment.tiny import tiny_model, write_model
from wallscan.segment.bundle import load_model, prompt_tokenizer
from wallscan.segment.clipseg import Encoder, Head, TextTower, encode_image
from wallscan.segment.tokens import PromptTokenizer

SIDE = 48


@pytest.fixture(scope="module")
def model(tiny_bundle):
    return load_model(tiny_bundle)


@pytest.fixture
def pixels():
    return torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_hidden_states_are_those_of_transformers(model, pixels):
    states = model.clip.vision_model(
        pixels, output_hidden_states=True, interpolate_pos_encoding=True
    ).hidden_states
    for place, ours in zip(model.extract_layers, encode_image(model, pixels), strict=True):
        torch.testing.assert_close(ours, states[place + 1], rtol=0, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("side", [32, 48, 80])
def test_positions_are_interpolated_as_transformers_does(model, side):
    embeddings = model.clip.vision_model.embeddings
    pixels = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(2))
    theirs = embeddings(pixels, interpolate_pos_encoding=True)
    without = embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2)
    torch.testing.assert_close(
        Encoder(model, side).positions[:, 1:], theirs[:, 1:] - without, rtol=0, atol=1e-5
    )


@torch.inference_mode()
def test_layers_behind_the_last_extracted_one_are_never_run(tiny_bundle, pixels):
    model, ran = load_model(tiny_bundle), []
    for index, layer in enumerate(model.clip.vision_model.encoder.layers):
        layer.register_forward_hook(lambda *_, index=index: ran.append(index))
    Encoder(model, SIDE)(pixels)
    assert ran == [0, 1, 2, 3]


@torch.inference_mode()
@pytest.mark.parametrize("prompt", ["", "crack", "a cat on a très long wall", "墙 crack?! 12", "wall " * 75])
def test_a_prompts_embedding_is_that_of_transformers(tiny_bundle, model, prompt):
    tokenizer = prompt_tokenizer(tiny_bundle, model)
    ids, end = map(torch.from_numpy, tokenizer(prompt))
    short = torch.tensor([tokenizer.ids(prompt)])
    theirs = model.get_conditional_embeddings(batch_size=1, input_ids=short)
    torch.testing.assert_close(TextTower(model)(ids, end), theirs, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_configurations_older_than_the_end_token_are_read_as_transformers_reads_them():
    model = tiny_model()
    model.clip.text_model.eos_token_id = 2
    ids = [49406, 1, 2, 49407]

    class Words:
        def encode(self, _):
            return type("Encoding", (), {"ids": ids})

    padded, end = map(torch.from_numpy, PromptTokenizer(cast("Tokenizer", Words()), 77, 2)("any"))
    theirs = model.get_conditional_embeddings(batch_size=1, input_ids=torch.tensor([ids]))
    torch.testing.assert_close(TextTower(model)(padded, end), theirs, rtol=0, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(
    "changes", [{}, {"use_complex_transposed_convolution": False}, {"conditional_layer": 1}]
)
def test_logits_are_those_of_transformers(tmp_path, pixels, changes):
    write_model(tmp_path / "bundle", tiny_model(**changes))
    model: CLIPSegForImageSegmentation = load_model(tmp_path / "bundle")
    text = torch.randn(1, 16, generator=torch.Generator().manual_seed(3))
    theirs = model(pixel_values=pixels, conditional_embeddings=text, interpolate_pos_encoding=True).logits
    ours = Head(model)(text, *Encoder(model, SIDE)(pixels))
    torch.testing.assert_close(ours.reshape(SIDE, SIDE), theirs.reshape(SIDE, SIDE), rtol=1e-5, atol=1e-4)
