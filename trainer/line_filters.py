"""Filters that answer thin lines: what the first weights of a compact model hold in the place of noise."""

import math

import torch
from torch import Tensor

DIRECTIONS = 6
BRIGHTNESS = (0.299, 0.587, 0.114)
SLOPES = 6
"""How many channels `surface_filters` fills."""

# In shares of the patch's side: half the width of the lines that a filter answers most, and how much longer
# than that it is.
SPREAD, STRETCH = 0.13, 2.2
# On normalised photos of walls they bring each answer to a root mean square of about 1.
LINE_GAIN, MEAN_GAIN, SLOPE_GAIN, COLOUR_GAIN = 2.0, 0.3, 0.33, 2.0


def places_for(channels: int, patch: int) -> int:
    """How many places a side lines can be told at in a patch, with so many channels for them."""
    return min(patch // 2, math.isqrt(max(0, channels - SLOPES) // DIRECTIONS))


def line_filters(patch: int, places: int) -> Tensor:
    """(DIRECTIONS * places^2, 3, patch, patch): a dark line of each direction at each place of a patch.

    Second derivatives of a Gaussian across the line, longer along it (Freeman and Adelson, The design and use
    of steerable filters, 1991), of brightness alone and without an answer to an even surface.
    """
    across, along = SPREAD * patch, STRETCH * SPREAD * patch
    grid = torch.arange(patch) + 0.5
    ys, xs = torch.meshgrid(grid, grid, indexing="ij")
    filters = []
    for direction in range(DIRECTIONS):
        angle = math.pi * direction / DIRECTIONS
        for place in range(places * places):
            y, x = ((at + 0.5) * patch / places for at in divmod(place, places))
            u = (xs - x) * math.cos(angle) + (ys - y) * math.sin(angle)
            v = (ys - y) * math.cos(angle) - (xs - x) * math.sin(angle)
            wave = (u**2 / across**2 - 1) * torch.exp(-(u**2) / (2 * across**2) - v**2 / (2 * along**2))
            wave = wave - wave.mean()
            filters.append(LINE_GAIN * wave / wave.norm())
    return torch.stack(filters)[:, None] * torch.tensor(BRIGHTNESS)[:, None, None]


def surface_filters(patch: int) -> Tensor:
    """(SLOPES, 3, patch, patch): brightness, how it slopes three ways, and two differences of colour."""
    wave = torch.cos(math.pi * (torch.arange(patch) + 0.5) / patch)
    flat = torch.ones(patch)
    grey, warm, blue = torch.tensor(((1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (0.5, 0.5, -1.0)))
    shapes = (
        (grey, flat, flat, MEAN_GAIN / patch), (grey, flat, wave, SLOPE_GAIN), (grey, wave, flat, SLOPE_GAIN),
        (grey, wave, wave, 3 * SLOPE_GAIN), (warm, flat, flat, COLOUR_GAIN / patch),
        (blue, flat, flat, COLOUR_GAIN / patch),
    )  # fmt: skip
    return torch.stack(
        [
            gain / patch * colour[:, None, None] * rows[:, None] * columns
            for colour, rows, columns, gain in shapes
        ]
    )
