"""Transposed convolutions whose patches do not overlap, as one matrix product each: what they are.

A CLIPSeg draws its map by such layers. On CPUs torch's own take ten times as long, nearly all of it backward.
"""

from torch import Tensor, nn
from transformers import CLIPSegForImageSegmentation


class Patches(nn.Module):
    """A `ConvTranspose2d` whose kernel is as large as its stride, with the same parameters."""

    def __init__(self, layer: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, state: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, drawn channels, h k, w k)."""
        _, drawn, k, _ = self.weight.shape
        batch, _, height, width = state.shape
        patches = state.movedim(1, -1) @ self.weight.flatten(1)
        split = patches.view(batch, height, width, drawn, k, k).permute(0, 3, 1, 4, 2, 5)
        maps = split.reshape(batch, drawn, height * k, width * k)
        return maps if self.bias is None else maps + self.bias[:, None, None]


def draw_by_patches(model: CLIPSegForImageSegmentation) -> None:
    """Let the decoder draw so; the names of its parameters stay."""
    decoder = model.decoder
    for name, layer in list(decoder.named_modules()):
        if isinstance(layer, nn.ConvTranspose2d) and _apart(layer):
            decoder.set_submodule(name, Patches(layer))


def _apart(layer: nn.ConvTranspose2d) -> bool:
    plain = layer.padding == layer.output_padding == (0, 0) and layer.dilation == (1, 1) and layer.groups == 1
    return plain and layer.kernel_size == layer.stride and len(set(layer.kernel_size)) == 1
