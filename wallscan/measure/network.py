"""The lines of a skeleton as a network: branch points, connected parts, the longest way through one."""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wallscan.measure.lines import Line, Points, Skeleton


@dataclass(frozen=True, slots=True)
class LongestPart:
    """The connected part with the greatest length of lines, in pixels of its picture.

    `path` (n, 2), x and y, is the longest way through it from end to end.
    """

    length_px: float
    path: Points


class Union:
    """Disjoint sets of numbers that appear as they are named (union-find with path halving)."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def root(self, one: int) -> int:
        """The number that stands for the set of `one`."""
        parent = self._parent
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(self, one: int, other: int) -> None:
        """Make one set of two; the lower number stands for it."""
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low

    def sets(self, numbers: Iterable[int]) -> int:
        """Into how many sets these numbers fall."""
        return len({self.root(one) for one in numbers})


def branch_points(skeleton: Skeleton) -> int:
    """Places where three or more lines meet.

    A crossing of wide lines is two branch points of its skeleton, a line shorter than half the width apart:
    they are one place.
    """
    degrees, half = skeleton.graph.degrees, skeleton.half_width_px
    places = Union()
    for line in skeleton.lines:
        one, other = line.nodes
        both_branch = min(degrees[one], degrees[other]) >= 3
        if both_branch and line.length_px <= 2 * max(half[one], half[other]):
            places.join(one, other)
    return places.sets(np.flatnonzero(degrees >= 3).tolist())


def longest_part(skeleton: Skeleton) -> LongestPart | None:
    """The longest connected part; None where there is no line."""
    parts = Union()
    for line in skeleton.lines:
        parts.join(*line.nodes)
    lines: dict[int, list[Line]] = defaultdict(list)
    for line in skeleton.lines:
        lines[parts.root(line.nodes[0])].append(line)
    if not lines:
        return None
    length_px, _, chosen = max(
        (sum(line.length_px for line in own), -root, own) for root, own in lines.items()
    )
    return LongestPart(length_px, _longest_path(chosen))


def _longest_path(lines: list[Line]) -> Points:
    """From the end that is farthest from anywhere to the end that is farthest from it.

    In a network without loops that is the longest path; with loops it is the longest of the shortest ways
    from that end.
    """
    start, _ = _farthest(lines, lines[0].nodes[0])
    end, came_by = _farthest(lines, start)
    if end == start:  # a loop, or a dot
        return lines[0].points
    pieces, here = [], end
    while here != start:
        line = came_by[here]
        towards = line.points if line.nodes[1] == here else line.points[::-1]
        pieces.append(towards)
        here = line.nodes[0] if line.nodes[1] == here else line.nodes[1]
    return np.concatenate(pieces[::-1])


def _farthest(lines: list[Line], start: int) -> tuple[int, dict[int, Line]]:
    """The node farthest from `start`, and the line by which each node is reached (Dijkstra, 1959)."""
    at: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        at[line.nodes[0]].append(line)
        at[line.nodes[1]].append(line)
    ways, came_by = {start: 0.0}, dict[int, Line]()
    done: dict[int, float] = {}
    queue = [(0.0, start)]
    while queue:
        way, node = heapq.heappop(queue)
        if node in done:
            continue
        done[node] = way
        for line in at[node]:
            other = line.nodes[0] if line.nodes[1] == node else line.nodes[1]
            if way + line.length_px < ways.get(other, np.inf):
                ways[other] = way + line.length_px
                came_by[other] = line
                heapq.heappush(queue, (ways[other], other))
    return max(done, key=lambda node: (done[node], -node)), came_by
