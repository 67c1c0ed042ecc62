"""Connected parts of a mask, counted in bands of rows, so that memory does not grow with the photo."""

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

BAND_PX = 1 << 18  # labels of a band fit the processor's cache, which also makes it faster


def component_areas(mask: NDArray[np.uint8], band_px: int = BAND_PX) -> NDArray[np.int64]:
    """Areas in pixels of the 8-connected parts of a mask (h, w), non-zero is foreground; shape (parts,).

    The order of the parts is that of their first pixel, by band.
    """
    rows = max(1, band_px // mask.shape[1])
    areas: list[NDArray[np.int64]] = []
    seams: list[NDArray[np.int64]] = []
    labels_before, total = np.zeros((0,), np.int64), 0
    for top in range(0, mask.shape[0], rows):
        count, labels = cv2.connectedComponents(mask[top : top + rows], connectivity=8, ltype=cv2.CV_32S)
        areas.append(np.bincount(labels[labels > 0], minlength=count)[1:].astype(np.int64))
        first, last = _numbered(labels[0], total), _numbered(labels[-1], total)
        if top:
            seams.append(_touching(labels_before, first))
        labels_before, total = last, total + count - 1
    return _joined(np.concatenate(areas), seams)


def _numbered(labels: NDArray[np.int32], offset: int) -> NDArray[np.int64]:
    """A row's labels numbered over the whole mask from 0; -1 is background."""
    return np.where(labels > 0, labels.astype(np.int64) - 1 + offset, -1)


def _touching(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs (n, 2) of parts that touch across two adjacent rows, straight or by a corner."""
    pairs = [
        np.stack((above, below), axis=1),
        np.stack((above[1:], below[:-1]), axis=1),
        np.stack((above[:-1], below[1:]), axis=1),
    ]
    every = np.concatenate(pairs)
    return np.unique(every[(every >= 0).all(axis=1)], axis=0)


def _joined(areas: NDArray[np.int64], seams: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Areas of the parts once those that touch across a seam are one (union-find with path halving)."""
    parent = list(range(len(areas)))

    def root(part: int) -> int:
        while parent[part] != part:
            parent[part] = parent[parent[part]]
            part = parent[part]
        return part

    for one, other in itertools.chain.from_iterable(seam.tolist() for seam in seams):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    roots = np.array([root(part) for part in range(len(areas))], np.int64)
    whole = np.bincount(roots, weights=areas, minlength=len(areas)).astype(np.int64)
    return whole[whole > 0]
