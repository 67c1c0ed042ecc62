"""Runs (the jobs that a client polls) and their items."""

import datetime as dt
import uuid
from typing import Any

from pydantic import Field

from wallscan.domain.lifecycle import RunState, TaskState
from wallscan.domain.looks import DEFAULT_LOOK, Look
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.wire.common import Body, UnfamiliarPrompts
from wallscan.wire.scale import Scale
from wallscan.wire.uploads import FirstError


class NewRun(Body):
    """An order to inspect all stored photos of an inspection."""

    prompts: list[str] = Field(default=list(DEFAULT_PROMPTS))
    model: str | None = Field(
        default=None, description="a model version's id, digest or name (its newest); default: the active one"
    )
    look: Look = Field(default=DEFAULT_LOOK, description="how closely the photos are looked at")
    scale: Scale | None = Field(default=None, description="of the photos that have none of their own")
    postprocess: dict[str, Any] = Field(
        default={},
        description="`name` of the pipeline (`standard`, `founding`), and the parameters that shall differ",
    )
    from_run: uuid.UUID | None = Field(
        default=None,
        description="measure the probability maps of this run of the inspection again, with its model and "
        "prompts; photos whose maps are not there are looked at anew",
    )


class ItemCounts(Body):
    """Items (photo x prompt) by state."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


class Run(Body):
    """A run's state, derived from its rows. `skipped` are photos that no run can take (rejected)."""

    id: uuid.UUID
    inspection_id: uuid.UUID
    state: RunState
    model_id: uuid.UUID
    model: str
    model_digest: str
    prompts: list[str]
    unfamiliar_prompts: UnfamiliarPrompts = Field(default=[])
    postprocess: dict[str, Any]
    look: Look
    scale: Scale | None = None
    from_run_id: uuid.UUID | None = Field(description="the run whose probability maps were measured again")
    photos: int = Field(description="distinct photos to analyse")
    items: int = Field(description="photos x prompts")
    counts: ItemCounts
    skipped: int
    percent: float = Field(ge=0, le=100)
    eta_s: float | None = Field(description="seconds left at the pace so far; null before the first result")
    errors: list[FirstError] = Field(description="the first ten failed or skipped photos")
    code: str | None
    detail: str | None
    created_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None


class Item(Body):
    """One photo and prompt of a run; numbers are null until it succeeded."""

    photo_id: uuid.UUID
    path: str
    wall: str | None
    prompt: str
    state: TaskState
    attempt: int
    code: str | None
    detail: str | None
    coverage_pct: float | None
    foreground_px: int | None
    analysed_px: int | None
    presence: float | None
    threshold: float | None
    estimated_coverage_pct: float | None = Field(description="expected coverage by calibrated probabilities")
    estimated_low_pct: float | None = Field(description="lower end of its 90 % interval")
    estimated_high_pct: float | None
    mask_sha256: str | None
