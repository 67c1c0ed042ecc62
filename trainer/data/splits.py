"""Who learns and who judges."""

import random
from collections.abc import Sequence

from trainer.data.sample import Sample


def split_by_group(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """(train, held out): per family, whole groups are held out until `share` of the photos is reached."""
    train: list[Sample] = []
    held: list[Sample] = []
    for family in sorted({family for sample in samples for family in sample.families}):
        members = [sample for sample in samples if sample.families[0] == family]
        groups = sorted({sample.group for sample in members})
        random.Random(seed).shuffle(groups)
        chosen: set[str] = set()
        for group in groups:
            if sum(sample.group in chosen for sample in members) >= share * len(members):
                break
            chosen.add(group)
        train += [sample for sample in members if sample.group not in chosen]
        held += [sample for sample in members if sample.group in chosen]
    return train, held
