"""A skeleton as a graph: pixels that touch, chains between ends and branch points, spurs taken off."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SPUR_SHARE = 1.5
"""A side arm no longer than so many half-widths of the crack that it leaves is a bump of the edge.

From the middle of a crack of half-width r its corners are sqrt(2) r away, a round bump is r away.
"""
FORK_SHARE = 2.5
"""Where a line ends in two side arms no longer than so many half-widths, they run into its end's corners.

A corner of angle a is 1 / sin(a / 2) half-widths from the middle: 1.4 at a square end, and 2.5 at 47 degrees,
of an end that is flared or cut askew. Arms count whose tips were there from the first: the stump that is left
where arms were taken off runs into no corner, and would make a fork with the next side branch.
"""
_ROUNDS = 8  # taking arms off makes new ends; in practice two rounds settle it

Chain = list[int]
"""Pixels from one node to the next, both included; a closed loop ends where it began."""


@dataclass(frozen=True)
class Graph:
    """The pixels of a skeleton and which of them touch.

    `pixels` (n, 2) int64 are rows and columns. The neighbours of pixel i are
    `ends[starts[i] : starts[i + 1]]`; `degrees` (n,) counts them: 1 is an end, 3 and more a branch point.
    """

    pixels: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @cached_property
    def degrees(self) -> NDArray[np.int64]:
        """Number of neighbours of each pixel, (n,); counted once, for every chain asks."""
        return np.diff(self.starts)


def skeleton_graph(skeleton: NDArray[np.bool_]) -> Graph:
    """The graph of a skeleton (h, w).

    Pixels touch by a side, or by a corner where no third pixel joins them by sides: so the steps of a line
    make no triangles, and only true branch points have three neighbours.
    """
    rows, columns = np.nonzero(skeleton)
    number = np.full((skeleton.shape[0] + 2, skeleton.shape[1] + 2), -1, np.int32)
    number[rows + 1, columns + 1] = np.arange(len(rows))

    def at(down: int, right: int) -> NDArray[np.int32]:
        return np.asarray(number[rows + 1 + down, columns + 1 + right], np.int32)

    touching = [(at(0, 1), at(0, 1) >= 0), (at(1, 0), at(1, 0) >= 0)]
    for right in (1, -1):
        alone = (at(0, right) < 0) & (at(1, 0) < 0)
        touching.append((at(1, right), (at(1, right) >= 0) & alone))
    one = np.concatenate([np.flatnonzero(there) for _, there in touching])
    other = np.concatenate([neighbour[there] for neighbour, there in touching]).astype(np.int64)
    source, target = np.concatenate((one, other)), np.concatenate((other, one))
    order = np.lexsort((target, source))
    counts = np.bincount(source, minlength=len(rows))
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Graph(np.stack((rows, columns), axis=1), starts, target[order])


def chains(graph: Graph) -> list[Chain]:
    """All chains between nodes (pixels with other than two neighbours), loops and lone pixels, each once."""
    starts, ends, degrees = graph.starts.tolist(), graph.ends.tolist(), graph.degrees.tolist()
    seen = bytearray(len(degrees))
    walked: set[tuple[int, int]] = set()
    found: list[Chain] = []

    def walk(first: int, second: int) -> Chain:
        chain = [first, second]
        while degrees[chain[-1]] == 2 and chain[-1] != first:
            here = chain[-1]
            seen[here] = 1
            one, other = ends[starts[here] : starts[here] + 2]
            chain.append(other if one == chain[-2] else one)
        return chain

    for node in np.flatnonzero(graph.degrees != 2).tolist():
        if degrees[node] == 0:
            found.append([node])
        for neighbour in ends[starts[node] : starts[node + 1]]:
            if (node, neighbour) not in walked:
                chain = walk(node, neighbour)
                walked.update(((node, neighbour), (chain[-1], chain[-2])))
                found.append(chain)
    for pixel in np.flatnonzero(graph.degrees == 2).tolist():
        if not seen[pixel]:
            seen[pixel] = 1
            found.append(walk(pixel, ends[starts[pixel]]))
    return found


def pruned(skeleton: NDArray[np.bool_], half_width_px: NDArray[np.float32]) -> tuple[Graph, list[Chain]]:
    """The graph and chains of a skeleton (h, w) without its spurs (see `SPUR_SHARE` and `FORK_SHARE`).

    `half_width_px` (h, w) is the distance transform of the mask that the skeleton came from.
    """
    kept = skeleton.copy()
    graph = skeleton_graph(kept)
    tips = np.zeros_like(kept)
    tips[tuple(graph.pixels[graph.degrees == 1].T)] = True
    found = chains(graph)
    for _ in range(_ROUNDS):
        spurs = _spurs(graph, found, half_width_px, tips)
        if not len(spurs):
            break
        kept[tuple(graph.pixels[spurs].T)] = False
        graph = skeleton_graph(kept)
        found = chains(graph)
    return graph, found


def _spurs(
    graph: Graph, found: list[Chain], half_width_px: NDArray[np.float32], tips: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The pixels of all spurs, without the branch points that they leave from.

    `tips` (h, w) are the ends of the skeleton before anything was taken off.
    """
    degrees = graph.degrees
    arms: dict[int, list[Chain]] = defaultdict(list)
    for chain in found:
        first, last = int(degrees[chain[0]]), int(degrees[chain[-1]])
        if min(first, last) == 1 and max(first, last) >= 3:
            arm = chain if first == 1 else chain[::-1]
            arms[arm[-1]].append(arm)
    pixels: Chain = []
    for branch, own in arms.items():
        place, ends = graph.pixels[branch], graph.pixels[[arm[0] for arm in own]]
        reach = np.hypot(*(ends - place).T) / half_width_px[tuple(place)]
        corner = (reach <= FORK_SHARE) & tips[tuple(ends.T)]
        is_end = np.count_nonzero(corner) == degrees[branch] - 1 >= 2
        short = (reach <= SPUR_SHARE) | (corner & is_end)
        for number in np.flatnonzero(short).tolist():
            pixels += own[number][:-1]
    return np.array(pixels, np.int64)
