"""CLIPSeg on torch, through transformers' own layers, as three graphs: text tower, encoder and head."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import CLIPSegForImageSegmentation
from transformers.models.clipseg.modeling_clipseg import CLIPSegDecoder


def encode_image(model: CLIPSegForImageSegmentation, pixels: Tensor) -> tuple[Tensor, ...]:
    """Hidden states (B, 1 + tokens, width) after each of the model's `extract_layers`, in their order.

    pixels: (B, 3, S, S). What lies behind the last extracted layer is not computed: the decoder never
    sees it.
    """
    vision = model.clip.vision_model
    state = vision.pre_layrnorm(vision.embeddings(pixels, interpolate_pos_encoding=True))
    return run_layers(model, state)


def run_layers(model: CLIPSegForImageSegmentation, state: Tensor) -> tuple[Tensor, ...]:
    """The extracted hidden states, from the embedded and normalised tokens (B, 1 + tokens, width)."""
    after: dict[int, Tensor] = {}
    for index in range(max(model.extract_layers) + 1):
        state = model.clip.vision_model.encoder.layers[index](state, None)
        after[index] = state
    return tuple(after[index] for index in model.extract_layers)


def reduce_states(model: CLIPSegForImageSegmentation, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What the decoder takes of hidden states (B, 1 + tokens, width): (B, 1 + tokens, reduced width) a layer
    of it, the deepest first. The same for all prompts.
    """
    return tuple(reduce(state) for reduce, state in zip(model.decoder.reduces, reversed(states), strict=True))


def decode_reduced(decoder: CLIPSegDecoder, texts: Tensor, reduced: Sequence[Tensor]) -> Tensor:
    """Logits (B, s, s) of a prompt (B, projection) each: the rest of `CLIPSegDecoder.forward`."""
    state = torch.zeros_like(reduced[0])
    for index, (addend, layer) in enumerate(zip(reduced, decoder.layers, strict=True)):
        state = addend + state
        if index == decoder.conditional_layer:
            state = decoder.film_mul(texts)[:, None] * state + decoder.film_add(texts)[:, None]
        state = layer(state, attention_mask=None)
    grid = math.isqrt(state.shape[1] - 1)
    square = state[:, 1:].transpose(1, 2).reshape(len(texts), -1, grid, grid)
    logits: Tensor = decoder.transposed_convolution(square).squeeze(1)
    return logits


class Encoder(nn.Module):
    """Images, each once for all its prompts: the layers that the decoder looks at, and its reductions.

    The positions are interpolated here for one input side: they would be the same for every photo.
    """

    def __init__(self, model: CLIPSegForImageSegmentation, side: int) -> None:
        super().__init__()
        self.model = model
        self.positions: Tensor
        embeddings = model.clip.vision_model.embeddings
        tokens = (side // embeddings.patch_size) ** 2
        like = torch.zeros(1, 1 + tokens, embeddings.embed_dim)
        with torch.no_grad():
            self.register_buffer("positions", embeddings.interpolate_pos_encoding(like, side, side))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, S, S) to one (N, 1 + tokens, reduced width) a decoder layer, the deepest first."""
        vision = self.model.clip.vision_model
        patches = vision.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2)
        first = vision.embeddings.class_embedding.expand(len(pixels), 1, -1)
        tokens = torch.cat([first, patches], dim=1)
        states = run_layers(self.model, vision.pre_layrnorm(tokens + self.positions))
        return reduce_states(self.model, states)


class Head(nn.Module):
    """One prompt's logits from the reduced states of each image."""

    def __init__(self, model: CLIPSegForImageSegmentation) -> None:
        super().__init__()
        self.decoder = model.decoder

    def forward(self, text: Tensor, *reduced: Tensor) -> Tensor:
        """text (N, projection) and what the encoder gave, to (N, s, s) logits."""
        return decode_reduced(self.decoder, text, reduced)


class TextTower(nn.Module):
    """A prompt's conditional embedding, as `CLIPSegModel.get_text_features` computes it.

    The input always has the tower's full length. Attention is causal, so what is padded behind the end
    token changes nothing before it.
    """

    def __init__(self, model: CLIPSegForImageSegmentation) -> None:
        super().__init__()
        self.clip = model.clip
        length = model.config.text_config.max_position_embeddings
        mask = torch.full((length, length), -torch.inf).triu(diagonal=1)[None, None]
        self.register_buffer("mask", mask)

    def forward(self, ids: Tensor, end: Tensor) -> Tensor:
        """ids (1, length) and the place (1,) of the end token, to (1, projection)."""
        text = self.clip.text_model
        state = text.embeddings(input_ids=ids)
        for layer in text.encoder.layers:
            state = layer(state, self.mask)
        state = text.final_layer_norm(state.index_select(1, end)[:, 0])
        embedding: Tensor = self.clip.text_projection(state)
        return embedding
