"""The report: one structure, read by every writer (JSON, CSV, HTML)."""

import datetime as dt
import uuid
from typing import Any, Literal

from pydantic import Field

from wallscan.domain.area import Basis
from wallscan.domain.looks import Look
from wallscan.wire.common import Body, UnfamiliarPrompts
from wallscan.wire.measured import MeasuredNumbers

RowStatus = Literal[
    "succeeded",
    "failed",
    "cancelled",
    "queued",
    "running",
    "duplicate",  # numbers are those of the first photo with the same bytes
    "rejected",
    "not_uploaded",
    "not_in_run",  # handed in after the run was submitted
]


class WallRow(Body):
    """One wall and prompt: foreground over analysed pixels of the photos that count."""

    wall_id: uuid.UUID
    wall: str
    prompt: str
    photos: int = Field(description="photos of this wall, of any state")
    photos_counted: int = Field(description="photos in the denominator: succeeded, each content once a wall")
    photos_with_finding: int = Field(description="counted photos whose mask is not empty")
    photos_failed: int = Field(description="failed, rejected or never uploaded: not counted, but listed")
    photos_duplicate: int = Field(description="same bytes as another photo of this wall; not counted twice")
    photos_pending: int = Field(description="queued, running, cancelled or not part of the run")
    foreground_px: int
    analysed_px: int
    coverage_pct: float | None = Field(description="null where no photo counts; never a mean of percentages")
    max_photo_coverage_pct: float | None
    worst_photo: str | None = Field(description="path of the photo with the highest coverage")
    basis: Basis | Literal["mixed"] = Field(
        default=Basis.PHOTO, description="what coverage is a share of; `mixed`: not the same in all photos"
    )
    cells_found: int = Field(default=0, description="grid cells of the counted photos that hold some")
    cells_analysed: int = 0
    cell_coverage_pct: float | None = Field(default=None, description="null where no cell was counted")
    cracks: int = Field(default=0, description="in all counted photos; one seen on two photos counts twice")
    photos_with_length: int | None = Field(
        default=None,
        description="counted photos whose length is known: markings too tangled to follow have none",
    )
    length_px: float | None = Field(
        default=None,
        description="summed over the photos with a length, each in its own pixels; null where there is none",
    )
    max_width_px: float | None = Field(default=None, description="of cracks wide enough to tell")
    photos_with_scale: int = Field(default=0, description="counted photos whose length is known in mm")
    length_mm: float | None = Field(default=None, description="of those photos; null where there is none")
    max_width_mm: float | None = Field(
        default=None, description="of cracks wide enough to tell, on the photos with a scale"
    )
    max_width_band: int | None = Field(default=None, description="0 to 5 after BRE Digest 251: guidance only")
    photos_to_review: int = Field(default=0, description="counted photos with a reason to look again")


class PhotoFate(Body):
    """A photo and prompt and what became of it."""

    photo_id: uuid.UUID
    wall: str | None
    photo: str = Field(description="relative path as handed in")
    prompt: str
    status: RowStatus
    coverage_pct: float | None
    estimated_coverage_pct: float | None = Field(
        description="expected by calibrated probabilities, if the model brings any; null of a wall, of tiles "
        "and of mirrored views"
    )
    estimated_low_pct: float | None = Field(description="lower end of its 90 % interval")
    estimated_high_pct: float | None
    foreground_px: int | None
    analysed_px: int | None
    width_px: int | None
    height_px: int | None
    presence: float | None
    threshold: float | None
    components: int | None
    max_probability: float | None
    mask_sha256: str | None
    duplicate_of: str | None = Field(description="path of the first photo with the same bytes")
    code: str | None
    detail: str | None
    mask: str | None = Field(
        default=None, description="path of the mask beside the report, set by the client"
    )


class PhotoRow(MeasuredNumbers, PhotoFate):
    """One photo and prompt, of whatever state: nothing handed in is missing here.

    Fields in their order: what became of the photo, then what was measured.
    """


class RunFacts(Body):
    """What made the numbers: they mean nothing without it."""

    run_id: uuid.UUID
    state: str
    model: str
    model_digest: str
    prompts: list[str]
    unfamiliar_prompts: UnfamiliarPrompts = Field(default=[])
    postprocess: dict[str, Any]
    runtimes: list[str] = Field(
        default=[], description="what computed the results; of several, none gives all the same bytes again"
    )
    look: Look
    created_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None


class Report(Body):
    """A site's, wall's or inspection's report.

    Coverage is a share of the photographed area, or of the wall's where a polygon or a wall prompt says
    which part of the photos is wall: `basis` says which.
    """

    site_id: uuid.UUID
    site: str
    inspection_id: uuid.UUID
    inspection: str
    basis: Literal["photographed area", "wall area", "mixed"] = "photographed area"
    run: RunFacts
    walls: list[WallRow]
    photos: list[PhotoRow] = Field(default=[], description="only where asked for with `photos=true`")
    rejected: int = Field(description="photos of no wall or no use: listed, never counted")
