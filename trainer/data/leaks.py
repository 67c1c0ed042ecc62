"""What a split gives away: photos that judge although a sibling was learnt from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainer.data.looks import alike
from trainer.data.report import printable
from trainer.data.sample import Sample

EXAMPLES = 5
NOTHING = "nothing"


@dataclass(slots=True)
class FamilyLeaks:
    """Photos of one family that judge, and how many of them share what with a photo learnt from.

    `any` counts those that share a source photo or looks: they are the same picture. A shared scene is
    another picture of the same place.
    """

    photos: int = 0
    source: int = 0
    looks: int = 0
    any: int = 0
    scene: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LeakReport:
    """The leaks of a split, by family."""

    families: dict[str, FamilyLeaks]

    def lines(self) -> Iterator[str]:
        """The report for people."""
        for family, row in self.families.items():
            yield (
                f"{family}: {row.any} of {row.photos} validation photos leak: {row.source} share a source "
                f"photo with training, {row.looks} look like one; {row.scene} share a scene"
            )
            yield from (f"    {example}" for example in row.examples)

    def document(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        keys = ("photos", "any", "source", "looks", "scene", "examples")
        return {family: {key: getattr(row, key) for key in keys} for family, row in self.families.items()}


def find_leaks(train: Sequence[Sample], valid: Sequence[Sample]) -> LeakReport:
    """How many photos of `valid` share a source photo, a scene or their looks with one of `train`."""
    sources = {sample.source: sample for sample in train if sample.source}
    scenes = {sample.scene for sample in train} - {""}
    twins = _twins(train, valid)
    families: dict[str, FamilyLeaks] = {}
    for place, sample in enumerate(valid):
        twin = sources.get(sample.source) or twins.get(place)
        for family in sample.families or (NOTHING,):
            row = families.setdefault(family, FamilyLeaks())
            row.photos += 1
            row.source += sample.source in sources
            row.looks += place in twins
            row.any += twin is not None
            row.scene += sample.scene in scenes
            if twin is not None and len(row.examples) < EXAMPLES:
                row.examples.append(printable(f"{sample.image.name} is of {twin.image.name}"))
    return LeakReport(dict(sorted(families.items())))


def _twins(train: Sequence[Sample], valid: Sequence[Sample]) -> dict[int, Sample]:
    """By place in `valid`: a photo of `train` that looks alike."""
    known = [sample for sample in train if sample.looks]
    seen = [place for place, sample in enumerate(valid) if sample.looks]
    pairs = alike([valid[place].looks for place in seen], [sample.looks for sample in known])
    return {seen[one]: known[other] for one, other in pairs}
