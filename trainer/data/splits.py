"""Who learns and who judges: photos that belong together stay on one side."""

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from trainer.data.looks import alike
from trainer.data.sample import Sample

VALID_SHARE = 0.2
VALID_SEED = 0
"""Of a split by groups: the same for every recipe, so that all models are judged on the same photos."""


class SplitBy(StrEnum):
    """How photos come to a side."""

    OFFICIAL = "official"
    """As the data set's folders say; photos in no split's folder are learnt from."""
    GROUPED = "grouped"
    """All photos pooled; copies of one source photo and near-duplicates stay together."""
    SCENES = "scenes"
    """As grouped, and photos of one scene stay together."""


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


def split_by_group(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """(train, held out): of each family whole groups are held out, up to `share` of its photos.

    Of a family whose groups are all larger than that, the smallest group is held out. A family that is one
    single group stays with those that learn.
    """
    chosen: set[str] = set()
    for members in _by_family(samples).values():
        sizes = Counter(sample.group for sample in members)
        order = sorted(sizes)
        random.Random(seed).shuffle(order)
        held = sum(sizes[group] for group in order if group in chosen)
        for group in order:
            if group not in chosen and held + sizes[group] <= share * len(members):
                chosen.add(group)
                held += sizes[group]
        if not held and len(order) > 1:
            chosen.add(min(order, key=sizes.__getitem__))
    train = [sample for sample in samples if sample.group not in chosen]
    return train, [sample for sample in samples if sample.group in chosen]


def _by_family(samples: Iterable[Sample]) -> Mapping[str, list[Sample]]:
    """The samples by the first family they show; those that show nothing are a kind of their own."""
    members: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        members[next(iter(sample.families), "")].append(sample)
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
