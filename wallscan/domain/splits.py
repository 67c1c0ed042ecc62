"""Who learns and who judges, by name."""

from enum import StrEnum


class SplitBy(StrEnum):
    """How photos come to a side. Values are part of the public contract."""

    OFFICIAL = "official"
    """As the data set's folders say; photos in no split's folder are learnt from."""
    GROUPED = "grouped"
    """All photos pooled; copies of one source photo and near-duplicates stay together."""
    SCENES = "scenes"
    """As grouped, and photos of one scene stay together."""
