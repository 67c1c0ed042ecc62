"""Model versions: listing, handing in, activating."""

import datetime as dt
import uuid
from typing import Any

from pydantic import Field, model_validator

from wallscan.domain.lifecycle import ActivationKind, ComparisonState, ModelState
from wallscan.wire.common import Body
from wallscan.wire.uploads import UploadTarget


class Model(Body):
    """A model version. At most one is active: it serves runs that name none."""

    id: uuid.UUID
    name: str
    digest: str
    state: ModelState
    active: bool
    code: str | None
    detail: str | None
    manifest: dict[str, Any]
    created_at: dt.datetime


class Check(Body):
    """One thing that a version must not be worse in than the active one, beyond a margin.

    Values and differences (the version's minus the active one's) are shares in 0..1; `low` and `high` bound
    the difference (see docs/decisions/0007).
    """

    name: str = Field(description="for example `crack: foreground IoU`")
    more_is_better: bool
    model: float
    active: float
    difference: float
    low: float
    high: float
    margin: float
    passed: bool


class Measured(Body):
    """What a comparison came to."""

    benchmark: str = Field(description="the data set's name, or `rendered walls`")
    benchmark_sha256: str = Field(description="of the data set's zip file, or of the rendered pixels")
    photos: int
    groups: int = Field(description="source photos: what is drawn in the bootstrap")
    left_out: int = Field(default=0, description="photos that one of both looks to have learnt from")
    checks: list[Check]

    @property
    def judged_on(self) -> str:
        """The photos, in words."""
        left = f", {self.left_out} left out that one of both learnt from" if self.left_out else ""
        return f"{self.photos} photos of {self.groups} source photos{left}"


class Comparison(Body):
    """A version measured against the one that was active then. One that passes becomes active."""

    id: uuid.UUID
    model_id: uuid.UUID
    active_id: uuid.UUID
    dataset_id: uuid.UUID | None = Field(description="the benchmark; null: rendered walls")
    key_name: str
    state: ComparisonState
    numbers: Measured | None
    code: str | None
    detail: str | None
    created_at: dt.datetime
    ended_at: dt.datetime | None


class Activation(Body):
    """A version that began to serve. The one with the highest number serves."""

    number: int
    model_id: uuid.UUID
    model: str
    digest: str
    kind: ActivationKind
    key_name: str | None = Field(description="the API key's that asked; null: the system's own start")
    reason: str | None
    comparison_id: uuid.UUID | None = Field(description="what it was allowed by, or forced against")
    created_at: dt.datetime


class ModelDetail(Model):
    """A model version with its latest comparison, and with each time it began to serve, newest first."""

    comparison: Comparison | None
    activations: list[Activation]


class ActivationOrder(Body):
    """Which version is to serve. `expected_active_id` refuses the order where another one serves by now."""

    force: bool = Field(default=False, description="without a comparison, or against its outcome")
    reason: str | None = Field(default=None, min_length=1, max_length=1000)
    expected_active_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _forced_with_reason(self) -> "ActivationOrder":
        if self.force and self.reason is None:
            raise ValueError("force needs a reason")
        return self


class RollbackOrder(Body):
    """Let the version serve that served before. `expected_active_id`: see `ActivationOrder`."""

    reason: str | None = Field(default=None, min_length=1, max_length=1000)
    expected_active_id: uuid.UUID | None = None


class Benchmark(Body):
    """What versions are compared on: a data set, frozen by its hash, or walls rendered from a seed."""

    dataset_id: uuid.UUID | None
    name: str | None
    sha256: str | None
    key_name: str | None
    created_at: dt.datetime | None


class BenchmarkOrder(Body):
    """A data set to compare on from now on; null: rendered walls."""

    dataset_id: uuid.UUID | None


class NewModel(Body):
    """A bundle to be handed in: its manifest first, then its files, then `check`."""

    manifest: dict[str, Any]


class ModelUpload(Body):
    """Where each file of the bundle goes; files already in storage are left out."""

    model: Model
    targets: dict[str, UploadTarget]
