"""A compact CLIPSeg built from nothing, started so that it can learn from a thousand photos."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, CLIPTokenizer
from transformers.models.clipseg.modeling_clipseg import (
    CLIPSegAttention,
    CLIPSegVisionEmbeddings,
    CLIPSegVisionModel,
)

from trainer.line_filters import line_filters, places_for, surface_filters
from trainer.recipe import HEAD_WIDTH, Recipe
from wallscan.segment.clipseg import decode_reduced, encode_image, reduce_states, run_layers

# Where each head of each layer looks at first: six neighbours, the distance growing with depth, so that
# the young transformer is a small convolutional network and finds local structure from the first step.
AXES = ((1, 0), (-1, 0), (0, 1), (0, -1))
DIAGONALS = (((1, 1), (-1, -1)), ((1, -1), (-1, 1)))
REACH = (1, 1, 2, 2, 4, 4, 6, 6)
LOOK_SHARPNESS = 3.0
LAST_BIAS = -2.0
LINE_WEIGHT, OTHERS_SHARE = 1.5, 0.3
"""Of the hidden units that see one line filter: its weight, and what is left of the random ones."""


def build(recipe: Recipe) -> CLIPSegForImageSegmentation:
    """A fresh model with all weights drawn from the recipe's seed; in training mode.

    The recipe gives the sizes of the vision tower and the decoder's width; the text tower is small and fixed.
    """
    torch.manual_seed(recipe.seed)
    config = CLIPSegConfig(
        vision_config={
            "image_size": recipe.image_size, "patch_size": recipe.patch_size,
            "hidden_size": recipe.width, "intermediate_size": 4 * recipe.width,
            "num_attention_heads": recipe.heads, "num_hidden_layers": recipe.layers,
        },
        text_config={
            "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2,
            "vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1,
        },
        projection_dim=64, reduce_dim=recipe.decoder_width, extract_layers=list(recipe.extract_layers),
        conditional_layer=0, decoder_num_attention_heads=recipe.decoder_width // HEAD_WIDTH,
        decoder_intermediate_size=4 * recipe.decoder_width,
        use_complex_transposed_convolution=recipe.convolutional_head,
    )  # fmt: skip
    model = CLIPSegForImageSegmentation(config)
    _start_text(model)
    _start_vision(model, recipe)
    _start_decoder(model)
    free_all(model)
    return model.train()


def free_all(model: CLIPSegForImageSegmentation) -> None:
    """Let all of a compact model learn but its token vectors.

    They stay random and fixed: words never trained on stay apart from the known ones.
    """
    model.requires_grad_(True)
    model.clip.text_model.embeddings.token_embedding.requires_grad_(False)


def _start_text(model: CLIPSegForImageSegmentation) -> None:
    nn.init.normal_(model.clip.text_model.embeddings.token_embedding.weight, std=0.5)


def _start_vision(model: CLIPSegForImageSegmentation, recipe: Recipe) -> None:
    vision, width = model.clip.vision_model, recipe.width
    head = width // recipe.heads
    grid = recipe.image_size // recipe.patch_size
    waves = torch.logspace(math.log10(0.9 * math.pi), math.log10(0.05 * math.pi), head // 4)
    with torch.no_grad():
        _start_positions(vision.embeddings, waves, grid)
        nn.init.normal_(vision.embeddings.patch_embedding.weight, std=1.0 / recipe.patch_size)
        vision.embeddings.patch_embedding.weight[:head] = 0.0  # these channels hold the position alone
        for index, layer in enumerate(vision.encoder.layers):
            _start_looking(layer.self_attn, waves, index)
            for write in (layer.self_attn.out_proj, layer.mlp.fc2):
                nn.init.normal_(write.weight, std=write.in_features**-0.5 * (2 * recipe.layers) ** -0.5)
                write.weight[:head] = 0.0
            nn.init.normal_(layer.self_attn.v_proj.weight, std=width**-0.5)
            nn.init.normal_(layer.mlp.fc1.weight, std=width**-0.5)
        _start_seeing(vision, head)


def _start_seeing(vision: CLIPSegVisionModel, head: int) -> None:
    """Channels from `head` on: dark lines by direction and place, and what the surface is like.

    The first layer's MLP tells lines darker than the wall from brighter ones. From noise, a line has to be
    learnt at every place of a patch anew: in a trial that took a third to a half more steps to the same loss.
    """
    patches, mlp = vision.embeddings.patch_embedding.weight, vision.encoder.layers[0].mlp
    places = places_for(len(patches) - head, patches.shape[-1])
    if not places:
        return
    lines, surface = line_filters(patches.shape[-1], places), surface_filters(patches.shape[-1])
    last = head + len(lines)
    patches[head : last + len(surface)] = torch.cat([lines, surface])
    for first, sign in ((0, 1.0), (len(lines), -1.0)):
        rows = mlp.fc1.weight[first : first + len(lines)]
        rows *= OTHERS_SHARE
        rows[:, head:last] += sign * LINE_WEIGHT * torch.eye(len(lines))


def _start_positions(embeddings: CLIPSegVisionEmbeddings, waves: Tensor, grid: int) -> None:
    """Channels 0..4W hold cos and sin of x and y at W wave numbers (radians a token); the rest start at 0."""
    table = embeddings.position_embedding.weight
    table.zero_()
    ys, xs = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    parts = []
    for place in (xs.flatten(), ys.flatten()):
        phase = place[:, None] * waves[None]
        parts += [phase.cos(), phase.sin()]
    table[1:, : 4 * len(waves)] = torch.cat(parts, dim=1)


def _start_looking(attention: CLIPSegAttention, waves: Tensor, index: int) -> None:
    """Queries and keys of head h score sum_w cos(w (dx - x_h)) + cos(w (dy - y_h)): a peak at its offset."""
    count = len(waves)
    offsets: Sequence[tuple[int, int]] = AXES + DIAGONALS[index % 2]
    attention.q_proj.weight.normal_(std=0.01)
    attention.k_proj.weight.normal_(std=0.01)
    head, reach = attention.head_dim, REACH[min(index, len(REACH) - 1)]
    for h in range(attention.num_heads):
        rows = slice(h * head, h * head + 4 * count)
        attention.k_proj.weight[rows, : 4 * count] += LOOK_SHARPNESS * torch.eye(4 * count)
        dx, dy = (step * reach for step in offsets[h % len(offsets)])
        attention.q_proj.weight[rows, : 4 * count] += LOOK_SHARPNESS * _shift(waves, dx, dy)


def _shift(waves: Tensor, dx: int, dy: int) -> Tensor:
    """(4W, 4W): turns the channels of position (x, y) into those of (x + dx, y + dy)."""
    count = len(waves)
    turn = torch.zeros(4 * count, 4 * count)
    for axis, distance in enumerate((dx, dy)):
        cos, sin = torch.diag((waves * distance).cos()), torch.diag((waves * distance).sin())
        start, middle, stop = 2 * axis * count, (2 * axis + 1) * count, (2 * axis + 2) * count
        turn[start:middle, start:middle], turn[start:middle, middle:stop] = cos, -sin
        turn[middle:stop, start:middle], turn[middle:stop, middle:stop] = sin, cos
    return turn


def _start_decoder(model: CLIPSegForImageSegmentation) -> None:
    """transformers starts these with a deviation of 1.0, which puts logits in the hundreds."""
    decoder = model.decoder
    head = [part for part in decoder.transposed_convolution.modules() if hasattr(part, "reset_parameters")]
    for module in (decoder.film_mul, decoder.film_add, *decoder.reduces, *head):
        module.reset_parameters()
    nn.init.ones_(decoder.film_mul.bias)
    nn.init.constant_(head[-1].bias, LAST_BIAS)


def encode(model: CLIPSegForImageSegmentation, pixels: Tensor, corner: tuple[int, int]) -> tuple[Tensor, ...]:
    """Hidden states (B, 1 + tokens, width) after each extracted layer, first to last.

    pixels: (B, 3, s, s). A frame smaller than the model's position grid takes the positions from `corner`
    (row, column) on; one that is larger takes interpolated ones, as transformers does.
    """
    vision = model.clip.vision_model
    embeddings = vision.embeddings
    grid, count = embeddings.image_size // embeddings.patch_size, pixels.shape[-1] // embeddings.patch_size
    if count > grid:
        return encode_image(model, pixels)
    table = embeddings.position_embedding.weight
    square = table[1:].view(grid, grid, -1)
    window = square[corner[0] : corner[0] + count, corner[1] : corner[1] + count].flatten(0, 1)
    patches = embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2)
    first = embeddings.class_embedding + table[0]
    state = torch.cat([first.expand(len(pixels), 1, -1), patches + window], dim=1)
    return run_layers(model, vision.pre_layrnorm(state))


def decode(model: CLIPSegForImageSegmentation, states: Sequence[Tensor], texts: Tensor) -> Tensor:
    """Logits (B, P, s, s) of P prompts an image; states as of `encode`, texts (B, P, projection)."""
    batch, prompts = texts.shape[:2]
    # Reduced once an image, not once a prompt as in transformers.
    reduced = [state.repeat_interleave(prompts, dim=0) for state in reduce_states(model, states)]
    logits = decode_reduced(model.decoder, texts.flatten(0, 1), reduced)
    maps: Tensor = logits.view(batch, prompts, *logits.shape[-2:])
    return maps


def embed(model: CLIPSegForImageSegmentation, tokenizer: CLIPTokenizer, prompts: Sequence[str]) -> Tensor:
    """Conditional embeddings (N, projection), on the model's device. Long prompts are cut off."""
    longest = model.config.text_config.max_position_embeddings
    tokens = tokenizer(prompts, padding=True, truncation=True, max_length=longest, return_tensors="pt")
    embeddings: Tensor = model.clip.get_text_features(**tokens.to(model.device)).pooler_output
    return embeddings
