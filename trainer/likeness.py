"""What a teacher sees between pixels and maps, which a model is to see as well, layer by layer.

Its maps say what is there and not how one could tell; its features do (Romero et al., FitNets, 2015).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.recipe import Teacher

MOST_PLACES = 4
"""A side, that features finer than the tokens are told apart at within one."""
_TINY = 1e-3


class Likeness(nn.Module):
    """A linear map for each extracted layer, from a token to the teacher's features there.

    The teacher's blocks are shared out to the layers in their order, the finest on the way down first.
    layers, width and patch are the model's.
    """

    def __init__(self, teacher: Teacher, layers: int, width: int, patch: int) -> None:
        super().__init__()
        widths, self._weight = teacher.widths, teacher.feature_weight
        depths = [*range(len(widths)), *reversed(range(len(widths) - 1))]
        self._places = [_places(2 ** (depth + 1), patch) for depth in depths]
        sizes = [widths[depth] * places**2 for depth, places in zip(depths, self._places, strict=True)]
        self._shares = _shared_out(len(sizes), layers)
        self.maps = nn.ModuleList(nn.Linear(width, sum(sizes[i] for i in share)) for share in self._shares)

    def forward(self, states: Sequence[Tensor], seen: Sequence[Tensor]) -> Tensor:
        """Mean squared distance times `feature_weight`, a scalar; features are standardised.

        states: (B, 1 + tokens, width) a layer; seen: the features (B, C, h, w) of the teacher's blocks.
        """
        grid = math.isqrt(states[0].shape[1] - 1)
        distances = []
        for state, linear, share in zip(states, self.maps, self._shares, strict=True):
            wanted = torch.cat([at_tokens(seen[i], grid, self._places[i]) for i in share], dim=-1)
            distances.append(functional.mse_loss(linear(state[:, 1:]).float(), wanted))
        return self._weight * torch.stack(distances).mean()


def at_tokens(features: Tensor, grid: int, places: int) -> Tensor:
    """(B, C, h, w) to (B, grid^2, C * places^2), each channel standardised over the batch."""
    features = features.float()
    spread, middle = torch.std_mean(features, (0, 2, 3), keepdim=True)
    side = grid * places
    sized = functional.interpolate(
        (features - middle) / (spread + _TINY), (side, side), mode="bilinear", antialias=True
    )
    return functional.pixel_unshuffle(sized, places).flatten(2).transpose(1, 2)


def _places(stride: int, patch: int) -> int:
    """How many places a side features of a stride (pixels) are told apart at within a patch."""
    return min(MOST_PLACES, max(1, round(patch / stride)))


def _shared_out(count: int, parts: int) -> list[range]:
    """The numbers of `count` things, an unbroken run of them for each part."""
    return [range(count * part // parts, count * (part + 1) // parts) for part in range(parts)]
