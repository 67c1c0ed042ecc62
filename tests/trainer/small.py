"""Recipes and models that train in seconds."""

# ruff: noqa: ARG002 - the arguments are the watcher's protocol

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, CLIPTokenizer

from trainer.recipe import Recipe, Stage
from trainer.watch import Epoch, Unwatched
from wallscan.models import starter_bundle
from wallscan.models.files import PREPROCESSOR
from wallscan.models.folder import CLIPSEG_PREPROCESSOR

SIDE = 48


def small_recipe(steps: int = 6, **changes: object) -> Recipe:
    plain = {
        "stages": (Stage(steps=steps, size=32, batch=2, zoom=(0.5, 1.0)),),
        "image_size": SIDE, "patch_size": 8, "width": 32, "heads": 2, "layers": 2, "extract_layers": (0, 1),
        "warmup_steps": 2, "checkpoint_every": 2, "epoch_steps": 4, "bf16": False, "held_out_share": 0.3,
    }  # fmt: skip
    return Recipe.model_validate(plain | changes)


def write_base(
    folder: Path,
    *,
    side: int = SIDE,
    vision: Mapping[str, int] = {},
    text: Mapping[str, int] = {},
    **changes: object,
) -> Path:
    """A plain transformers folder of rd64-refined's layout: random weights, a grid that is interpolated.

    With the defaults it is tiny. Its decoder is started as a trained one would answer: mostly empty.
    """
    torch.manual_seed(3)
    config = CLIPSegConfig(
        vision_config={
            "image_size": 32, "patch_size": 16, "hidden_size": 32, "intermediate_size": 64,
            "num_attention_heads": 2, "num_hidden_layers": 4,
        } | dict(vision),
        text_config={
            "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2,
            "vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1,
        } | dict(text),
        **{
            "projection_dim": 32, "reduce_dim": 16, "extract_layers": [0, 2], "conditional_layer": 0,
            "decoder_num_attention_heads": 2, "decoder_intermediate_size": 32,
            "use_complex_transposed_convolution": True,
        } | changes,
    )  # fmt: skip
    model = CLIPSegForImageSegmentation(config)
    decoder = model.decoder
    layers = [layer for layer in decoder.transposed_convolution if hasattr(layer, "reset_parameters")]
    for module in (decoder.film_mul, decoder.film_add, *decoder.reduces, *layers):
        module.reset_parameters()
    torch.nn.init.constant_(layers[-1].bias, -2.0)
    model.save_pretrained(folder)
    CLIPTokenizer.from_pretrained(starter_bundle()).save_pretrained(folder)
    document = {**CLIPSEG_PREPROCESSOR, "size": {"height": side, "width": side}}
    (folder / PREPROCESSOR).write_text(json.dumps(document))
    return folder


class Notes(Unwatched):
    """A watcher that remembers, and cancels after some steps."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.cancel_at = cancel_at
        self.losses: list[float] = []
        self.epochs: list[Epoch] = []
        self.saves = 0
        self.cached: list[tuple[int, int]] = []
        self.taught_ious: list[float] = []

    def prepared(self, what: str, done: int, total: int) -> None:
        self.cached.append((done, total))

    def taught(self, valid_iou: float) -> None:
        self.taught_ious.append(valid_iou)

    def stepped(self, step: int, steps: int, loss: float) -> None:
        self.losses.append(loss)

    def epoch_ended(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    def saved(self, folder: Path) -> None:
        self.saves += 1

    def cancelled(self) -> bool:
        return self.cancel_at is not None and len(self.losses) >= self.cancel_at
