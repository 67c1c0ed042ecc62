"""Who learns and who judges: photos that belong together stay on one side."""

import hashlib
import math
import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from trainer.data.looks import alike
from trainer.data.sample import Sample
from wallscan.domain.splits import SplitBy

VALID_SHARE = 0.2
VALID_SEED = "valid"
"""Of a split by groups: the same for every recipe, so that all models are judged on the same photos.

No recipe's seed, which is a number: by the same one nobody would be left to hold out.
"""


def grouped(samples: Sequence[Sample], *, by_scene: bool = False) -> list[Sample]:
    """The samples, each with the group that it shares with its siblings: of one source, or nearly alike."""
    groups = _Groups()
    for sample in samples:
        groups.join(sample.source, sample.source)
        if by_scene and sample.scene:
            groups.join(sample.source, ("scene", sample.scene))
    seen = [sample for sample in samples if sample.looks]
    looks = [sample.looks for sample in seen]
    for one, other in alike(looks, looks):
        groups.join(seen[one].source, seen[other].source)
    names: dict[Hashable, str] = {}
    for sample in samples:
        root = groups.root(sample.source)
        names[root] = min(names.get(root, sample.source), sample.source)
    return [replace(sample, group=names[groups.root(sample.source)]) for sample in samples]


def parts(samples: Sequence[Sample], by: SplitBy) -> Mapping[str, list[Sample]]:
    """The samples of each part: `train`, `valid` and, as given, `test`."""
    if by is SplitBy.OFFICIAL:
        given: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            given[sample.split or "train"].append(sample)
        return given
    pooled = grouped(samples, by_scene=True) if by is SplitBy.SCENES else samples
    train, valid = split_by_group(pooled, VALID_SHARE, VALID_SEED)
    return {"train": train, "valid": valid}


def split_by_group(
    samples: Sequence[Sample], share: float, seed: int | str
) -> tuple[list[Sample], list[Sample]]:
    """(train, held out), by whole groups: those whose places (`_places`) are below `share`, in 0..1.

    So a group stays on its side when others come, and `share` is what is held out on average, not exactly.
    Chance is uneven to few: each family keeps to learn from, of its last groups, half of what it should on
    average, and of several holds out its first one. Only there can a group that comes move another.
    """
    places = _places(samples, seed)
    orders = [
        sorted({sample.group for sample in members}, key=lambda group: (places[group], group))
        for members in _by_family(samples).values()
    ]
    kept = {
        group for order in orders for group in order[len(order) - math.ceil(len(order) * (1 - share) / 2) :]
    }
    chosen = {group for group, place in places.items() if place < share} - kept
    for order in orders:
        if chosen.isdisjoint(order):
            chosen.update([group for group in order if group not in kept][:1])
    train = [sample for sample in samples if sample.group not in chosen]
    return train, [sample for sample in samples if sample.group in chosen]


def _places(samples: Iterable[Sample], seed: int | str) -> Mapping[str, float]:
    """A place in [0, 1) for each group, which hangs on the seed and the first name of its sources alone.

    The root's name is no part of it: the service calls a data set by its place in the order.
    """
    names: dict[str, str] = {}
    for sample in samples:
        name = sample.source.partition("/")[2] or sample.source
        names[sample.group] = min(names.get(sample.group, name), name)
    return {group: _hashed(f"{seed}/{name}") for group, name in names.items()}


def _hashed(text: str) -> float:
    """SHA-256 as a number in [0, 1): 53 bits, all that a float holds."""
    digest = hashlib.sha256(os.fsencode(text)).digest()
    return (int.from_bytes(digest[:7]) >> 3) / 2**53


def _by_family(samples: Iterable[Sample]) -> Mapping[str, list[Sample]]:
    """The samples of each family that they show; those that show nothing are a kind of their own."""
    members: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        for family in sample.families or ("",):
            members[family].append(sample)
    return dict(sorted(members.items()))


class _Groups:
    """Disjoint sets of names (R. Tarjan, "Efficiency of a good but not linear set union algorithm", 1975)."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def root(self, name: Hashable) -> Hashable:
        """The name that stands for all of the set."""
        while (above := self._above.get(name, name)) != name:
            self._above[name] = self._above.get(above, above)
            name = self._above[name]
        return name

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of two."""
        self._above[self.root(one)] = self.root(other)
