"""Where the windows of a closer look lie, and how much each says about a place."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

AREA_INPUTS = 3.0
"""Area of a photo at detail 1, in network inputs: a 4:3 photo at detail d is 2 d inputs wide, 1.5 d high."""
LONGEST_INPUTS = 8
"""Longer side of a photo at detail 1 at most, in inputs: a strip of a few rows would have no end of tiles."""
OVERLAP_SHARE = 1 / 6
"""Neighbouring windows share at least this part of a window's side."""

Ramp = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the reduced photo, in its pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def place(self) -> tuple[slice, slice]:
        """What to index an (H, W) array with."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Grid:
    """Overlapping windows of at most `side` px that cover a photo of the given size."""

    height: int
    width: int
    side: int

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Row by row. Every pixel lies in at least one."""
        tall, wide = min(self.height, self.side), min(self.width, self.side)
        tops, lefts = starts(self.height, self.side), starts(self.width, self.side)
        return tuple(Window(top, left, tall, wide) for top in tops for left in lefts)

    @cached_property
    def cores(self) -> tuple[Window, ...]:
        """Of each window the part that lies nearer to its middle than to any other's: every pixel in one."""
        rows, columns = _shares(self.height, self.side), _shares(self.width, self.side)
        return tuple(Window(top, left, tall, wide) for top, tall in rows for left, wide in columns)

    @cached_property
    def weight(self) -> NDArray[np.float32]:
        """What a window says about each of its pixels before all are made to sum to 1; of a window's size.

        It falls smoothly to nearly nothing at the window's border, where the network sees half the context.
        """
        return np.outer(_bell(min(self.height, self.side)), _bell(min(self.width, self.side)))

    def weights(self, windows: Iterable[Window]) -> NDArray[np.float32]:
        """The sum of the weights of some windows at each place, (height, width)."""
        total = np.zeros((self.height, self.width), np.float32)
        for window in windows:
            total[window.place] += self.weight
        return total


def reduced_size(height_px: int, width_px: int, detail: int, input_px: int) -> tuple[int, int]:
    """(height, width) of a photo reduced for `detail`: an area of 3 detail² inputs; never enlarged."""
    area = AREA_INPUTS * (detail * input_px) ** 2
    longest = LONGEST_INPUTS * detail * input_px
    scale = min(1.0, math.sqrt(area / (height_px * width_px)), longest / max(height_px, width_px))
    return max(1, round(height_px * scale)), max(1, round(width_px * scale))


def starts(length: int, side: int) -> tuple[int, ...]:
    """Starts of the fewest windows of `side` that cover `length` with the overlap, evenly spread."""
    free = length - side
    if free <= 0:
        return (0,)
    count = math.ceil(free / (side * (1 - OVERLAP_SHARE)))
    return tuple(round(free * place / count) for place in range(count + 1))


def _bell(length: int) -> Ramp:
    """One period of a raised cosine, sampled at the middle of each pixel: above 0 everywhere."""
    places = (np.arange(length, dtype=np.float32) + np.float32(0.5)) / np.float32(length)
    return np.asarray(np.sin(np.pi * places) ** 2, np.float32)


def _shares(length: int, side: int) -> list[tuple[int, int]]:
    """Start and length of the part of each window along one direction that is its own."""
    first = starts(length, side)
    edges = [0, *((one + other + side) // 2 for one, other in pairwise(first)), length]
    return [(start, end - start) for start, end in pairwise(edges)]
