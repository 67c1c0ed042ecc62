"""Connected parts of a mask, from its runs: the stretches of foreground of each row.

A mask has a few thousand runs where it has millions of pixels, so that labelling runs takes a fraction of
the time of labelling pixels, and memory that does not grow with the photo.
"""

import numpy as np
from numpy.typing import NDArray

BAND_PX = 1 << 18  # what is looked at in one step fits the processor's cache

Places = NDArray[np.int64]
"""(runs,): pixels counted row by row, each row one pixel longer than the mask's."""


def component_areas(mask: NDArray[np.uint8], band_px: int = BAND_PX) -> NDArray[np.int64]:
    """Areas in pixels of the 8-connected parts of a mask (h, w), non-zero is foreground; shape (parts,).

    The order of the parts is that of their first pixel.
    """
    begins, ends = _runs(mask, band_px)
    part = _parts(begins, ends, mask.shape[1] + 1)
    areas = np.bincount(part, weights=ends - begins, minlength=len(part)).astype(np.int64)
    return areas[areas > 0]


def _runs(mask: NDArray[np.uint8], band_px: int) -> tuple[Places, Places]:
    """Where runs begin, and the places behind their ends."""
    height, width = mask.shape
    rows = max(1, band_px // width)
    edges = [np.empty(0, np.int64)]
    for top in range(0, height, rows):
        band = mask[top : top + rows]
        # A column of background on either side: every run begins and ends within its row.
        framed = np.zeros((len(band), width + 2), np.bool_)
        np.not_equal(band, 0, out=framed[:, 1:-1])
        changes = np.flatnonzero(framed[:, 1:] != framed[:, :-1])
        edges.append(changes + top * (width + 1))
    every = np.concatenate(edges)
    return every[::2], every[1::2]


def _parts(begins: Places, ends: Places, stride: int) -> NDArray[np.int64]:
    """Of each run, the first run of its part."""
    # Runs of the next row that touch, by a corner too: they end no earlier and begin no later.
    first = np.searchsorted(ends, begins + stride, "left")
    counts = np.searchsorted(begins, ends + stride, "right") - first
    upper = np.repeat(np.arange(len(begins)), counts)
    lower = np.arange(len(upper)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    return _joined(upper, lower, len(begins))


def _joined(one: NDArray[np.int64], other: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The lowest member of each one's set, where pairs (one, other) are of the same set.

    Union by hooking the higher root onto the lower and halving paths, all pairs at once, until none differ.
    """
    root = np.arange(count)
    while True:
        pair = np.stack((root[one], root[other]))
        low, high = pair.min(axis=0), pair.max(axis=0)
        if np.array_equal(low, high):
            return root
        np.minimum.at(root, high, low)
        while not np.array_equal(root, shorter := root[root]):
            root = shorter
