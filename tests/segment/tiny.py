"""Tiny random CLIPSeg bundles: real architecture and tokenizer, weights of a fixed seed."""

from pathlib import Path
from typing import Any

import torch
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, CLIPTokenizer, ViTImageProcessor

from wallscan.models import starter_bundle, write_manifest

FACTS = {
    "name": "tests/tiny",
    "created_at": "2026-01-01T00:00:00Z",
    "licence": "none",
    "default_presence": 0.5,
}


def tiny_config(**changes: Any) -> CLIPSegConfig:
    """Like `clipseg-rd64-refined` in kind: 16-px patches, complex upsampling, positions to interpolate."""
    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 6,
        "image_size": 32, "patch_size": 16,
    }  # fmt: skip
    text = {
        "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2,
        "bos_token_id": 49406, "eos_token_id": 49407,
    }  # fmt: skip
    plain = {
        "projection_dim": 16, "reduce_dim": 16, "decoder_intermediate_size": 32,
        "extract_layers": [0, 2, 3], "use_complex_transposed_convolution": True,
    }  # fmt: skip
    return CLIPSegConfig(vision_config=vision, text_config=text, **(plain | changes))


def tiny_model(**changes: Any) -> CLIPSegForImageSegmentation:
    """A model whose answers differ from place to place and prompt to prompt."""
    torch.manual_seed(3)
    model = CLIPSegForImageSegmentation(tiny_config(**changes)).eval()
    for module in (*model.decoder.reduces, model.decoder.film_mul, model.decoder.film_add):
        module.reset_parameters()
    for module in model.decoder.transposed_convolution.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return model


def write_tiny(folder: Path, side: int = 48, **changes: Any) -> Path:
    """A whole bundle with an input of `side` px: more than the positions were made for."""
    return write_model(folder, tiny_model(**changes), side)


def write_model(folder: Path, model: CLIPSegForImageSegmentation, side: int = 48) -> Path:
    """`model` as a bundle."""
    model.save_pretrained(folder)
    CLIPTokenizer.from_pretrained(starter_bundle()).save_pretrained(folder)
    ViTImageProcessor(size={"height": side, "width": side}).save_pretrained(folder)
    write_manifest(folder, FACTS)
    return folder
