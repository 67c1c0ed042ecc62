"""What reading found: counts, and whatever was left out or changed, with its reason. Nothing is silent."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EXAMPLES = 5
"""Examples kept of each reason."""
_LONGEST = 300


def printable(text: str) -> str:
    """A name from outside for terminals and JSON: escaped where it is no text, and not endless."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[:_LONGEST])


class Reason(StrEnum):
    """Why something is not as the annotation has it; the value is the sentence for people."""

    NOT_UNPACKED = "the zip file's entry cannot be unpacked"
    ANNOTATION_BROKEN = "the annotation cannot be read"
    XML_REFUSED = "the XML declares a document type or entities, which are refused"
    NAMES_MISSING = "labels without a readable data.yaml: their classes have no names"
    TABLE_BROKEN = "images.csv cannot be read: its photos are grouped by their names"
    SPLIT_MISSING = "data.yaml names a folder that is not there"
    PATH_OUTSIDE = "the annotation names a file outside its data set"
    IMAGE_MISSING = "the annotation's photo is not there"
    IMAGE_BROKEN = "the photo cannot be decoded"
    IMAGE_UNANNOTATED = "the photo has no annotation"
    ANNOTATED_TWICE = "a family is annotated more than once on a photo: the first annotation is used"
    SIZE_DIFFERS = "the annotation is for a photo of another shape"
    CLASS_UNKNOWN = "no family fits the class"
    OUTLINE_BROKEN = "the outline is malformed"
    OUTLINE_DEGENERATE = "the outline has no area on the photo"
    NOTHING_USABLE = "nothing that is annotated can be used: the photo is left out"
    FAMILY_UNSETTLED = "all outlines of a family were left out: whether it is there is unknown"
    NO_FAMILY = "the data set names no family: what the photo lacks is unknown"
    CLIPPED = "the outline reached past the edge and was cut there"
    SCALED = "the annotation was drawn on another size of the same photo and was scaled"
    CROWD = "a region that covers several things (iscrowd) was used as one"
    TAKEN_AS_EMPTY = "the photo has no annotation and was taken to show nothing"


KEPT = frozenset(
    {
        Reason.ANNOTATED_TWICE,
        Reason.SPLIT_MISSING,
        Reason.TABLE_BROKEN,
        Reason.CLIPPED,
        Reason.SCALED,
        Reason.CROWD,
        Reason.TAKEN_AS_EMPTY,
    }
)
"""Reasons after which the photo or outline is used nevertheless."""


@dataclass(slots=True)
class DataReport:
    """Counts of what was read, per data set, format and family, and the notes with examples."""

    images: int = 0
    shapes: int = 0
    counts: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Photos by (data set, format, split, family); a photo with no family counts under `nothing`."""
    notes: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=dict)

    def note(self, reason: Reason, what: str) -> None:
        """Count something under its reason; the first few are kept as examples."""
        self.notes[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(printable(what))

    @property
    def left_out(self) -> int:
        """How many photos, annotations and outlines were left out."""
        return sum(count for reason, count in self.notes.items() if reason not in KEPT)

    def lines(self) -> Iterator[str]:
        """The report for people: a line per kind of photo, then a line per reason and its examples."""
        yield f"{self.images} photos with {self.shapes} outlines"
        for (data_set, layout, split, family), count in sorted(self.counts.items()):
            yield f"  {data_set} ({layout}), {split or 'no split'}: {count} of {family}"
        for reason, count in sorted(self.notes.items()):
            yield f"{'note' if reason in KEPT else 'left out'}: {count} x {reason.value}"
            for example in self.examples[reason]:
                yield f"    {example}"

    def document(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        keys = ("data_set", "format", "split", "family")
        return {
            "photos": self.images,
            "outlines": self.shapes,
            "left_out": self.left_out,
            "counts": [
                {**dict(zip(keys, key, strict=True)), "photos": count}
                for key, count in sorted(self.counts.items())
            ],
            "notes": {
                reason.name.lower(): {
                    "meaning": reason.value,
                    "used": reason in KEPT,
                    "count": count,
                    "examples": self.examples[reason],
                }
                for reason, count in sorted(self.notes.items())
            },
        }
