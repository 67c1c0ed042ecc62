"""Low-rank adaptation of the encoder's attention (Hu et al., LoRA, 2021), as torch parametrisations.

A parametrised weight is its frozen self plus a trained product of two thin matrices; merging writes the sum
back, so that what is published is a plain CLIPSeg.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import CLIPSegForImageSegmentation

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")


class LowRank(nn.Module):
    """Adds `up @ down * scale` to a weight (out, in); nothing at first, for `up` starts at zero."""

    def __init__(self, weight: Tensor, rank: int, alpha: float) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        self.down = nn.Parameter(torch.randn(rank, inputs) * inputs**-0.5)
        self.up = nn.Parameter(torch.zeros(outputs, rank))
        self.scale = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        """The adapted weight (out, in)."""
        return weight + self.scale * (self.up @ self.down)


def add_lora(model: CLIPSegForImageSegmentation, rank: int, alpha: float) -> None:
    """Adapt the attention projections of every vision layer that the decoder sees."""
    for layer in model.clip.vision_model.encoder.layers[: max(model.extract_layers) + 1]:
        for name in PROJECTIONS:
            projection = getattr(layer.self_attn, name)
            adapter = LowRank(projection.weight, rank, alpha)
            parametrize.register_parametrization(projection, "weight", adapter)
            projection.parametrizations.weight.original.requires_grad_(False)


def merge_lora(model: CLIPSegForImageSegmentation) -> None:
    """Write adapted weights back into the plain ones; a model without adapters stays as it is."""
    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
