"""A small U-Net: it learns from a thousand photos in minutes what a transformer is then taught."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 8
LAST_BIAS = -2.0


class _Block(nn.Module):
    """Two 3 x 3 convolutions with a way past them (He et al., 2016), normalised in groups (Wu, He, 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, outputs) for _ in range(2))
        self.past = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, state: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h / stride, w / stride), rounded up."""
        inner = functional.relu(self.norms[0](self.first(state)))
        return functional.relu(self.norms[1](self.second(inner)) + self.past(state))


class UNet(nn.Module):
    """Ronneberger et al., 2015. Its first width is at half the pixels' resolution, each next at half of that.

    Its maps come in 2 x 2 squares from the finest features (Shi et al., 2016).
    """

    def __init__(self, maps: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 5, 2, padding=2)
        self.down = nn.ModuleList([_Block(widths[0], widths[0])])
        self.down.extend(_Block(above, below, 2) for above, below in pairwise(widths))
        self.up = nn.ModuleList(
            _Block(below + above, above) for above, below in reversed(list(pairwise(widths)))
        )
        self.maps = nn.Conv2d(widths[0], 4 * maps, 1)
        nn.init.constant_(self.maps.bias.data, LAST_BIAS)  # type: ignore[union-attr]

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, s, s), normalised, to logits (B, maps, s, s)."""
        return self.with_features(pixels)[0]

    def with_features(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (B, maps, s, s), and what it sees on the way: the features (B, width, h, w) of each block.

        pixels: (B, 3, s, s), normalised. First the blocks on the way down, then those on the way up.
        """
        state, seen = functional.relu(self.stem(pixels)), list[Tensor]()
        for down in self.down:
            state = down(state)
            seen.append(state)
        for up, beside in zip(self.up, reversed(seen[: len(self.down) - 1]), strict=True):
            state = functional.interpolate(state, size=beside.shape[-2:], mode="nearest")
            state = up(torch.cat([state, beside], dim=1))
            seen.append(state)
        logits = functional.pixel_shuffle(self.maps(state), 2)
        return logits[..., : pixels.shape[-2], : pixels.shape[-1]], seen
