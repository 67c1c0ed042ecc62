"""What a training found in its data sets: what it read, left out and why, and what its split gives away."""

from pydantic import Field

from wallscan.wire.common import Body

MAX_COUNTS = 500
"""Rows that the API shows: a row is a folder of a data set, which may have one for each of its files."""


class PhotoCount(Body):
    """Photos of one kind; one that shows several families counts for each of them."""

    data_set: str = Field(
        description="the data set's place in the order, from 0, and folders in its zip file"
    )
    format: str
    split: str = Field(description="that the folders name: `train`, `valid`, `test`, or empty")
    family: str = Field(description="`nothing` for photos that show none")
    photos: int


class DataNote(Body):
    """What is not as it was annotated, for one reason."""

    meaning: str
    used: bool = Field(description="whether it was used nevertheless; left out otherwise")
    count: int
    examples: list[str]


class DataRead(Body):
    """What was read. `left_out` counts photos, annotations and outlines."""

    photos: int
    outlines: int
    left_out: int
    counts: list[PhotoCount]
    counts_left_out: int = Field(
        default=0, description=f"rows that are not in `counts`: beyond {MAX_COUNTS}, those of fewest photos"
    )
    notes: dict[str, DataNote] = Field(description="by reason")


class FamilyLeaks(Body):
    """Photos of one family that judge, and how many of them share what with one that is learnt from."""

    photos: int
    any: int = Field(description="share a source photo, or look like one: they are the same picture")
    source: int
    looks: int
    scene: int
    examples: list[str]


class DataReport(Body):
    """The `data-report.json` of `python -m trainer train`."""

    data: DataRead
    leaks: dict[str, FamilyLeaks] = Field(description="by family")

    def bounded(self) -> "DataReport":
        """This report with at most `MAX_COUNTS` rows of counts, those of most photos, in their order."""
        rows = self.data.counts
        kept = sorted(range(len(rows)), key=lambda place: -rows[place].photos)[:MAX_COUNTS]
        counts = [rows[place] for place in sorted(kept)]
        left_out = self.data.counts_left_out + len(rows) - len(counts)
        data = self.data.model_copy(update={"counts": counts, "counts_left_out": left_out})
        return self.model_copy(update={"data": data})
