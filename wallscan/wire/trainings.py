"""Data sets and trainings: handed in, ordered, watched."""

import datetime as dt
import json
import uuid
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, field_validator

from wallscan.domain.lifecycle import DatasetState, TrainingState
from wallscan.domain.splits import SplitBy
from wallscan.models.manifest import NAME_PATTERN
from wallscan.wire.common import Body
from wallscan.wire.data_report import DataReport
from wallscan.wire.uploads import MAX_ARCHIVE_BYTES, UploadTarget

MAX_DOCUMENT_CHARS = 65_536
MAX_DATASETS = 20
MAX_ATTRIBUTION = 100

RecipeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]


def _printable(line: str) -> str:
    if not line.isprintable():
        raise ValueError("a line has printable characters alone")
    return line


def _bounded(document: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(document)) > MAX_DOCUMENT_CHARS:
        raise ValueError(f"at most {MAX_DOCUMENT_CHARS} characters")
    return document


Document = Annotated[dict[str, JsonValue], AfterValidator(_bounded)]
Licence = Annotated[str, Field(pattern=r"\S", max_length=200), AfterValidator(_printable)]
Line = Annotated[str, Field(pattern=r"\S", max_length=300), AfterValidator(_printable)]


class NewDataset(Body):
    """A zip file of annotated photos that the client is about to upload."""

    name: str = Field(min_length=1, max_length=200)
    size_bytes: int = Field(ge=1, le=MAX_ARCHIVE_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Dataset(Body):
    """A zip file of annotated photos, each content once."""

    id: uuid.UUID
    name: str
    sha256: str
    size_bytes: int
    state: DatasetState
    created_at: dt.datetime


class DatasetUpload(Body):
    """A data set and where to PUT its bytes; no target where storage has them."""

    dataset: Dataset
    target: UploadTarget | None


class NewTraining(Body):
    """An order to train a model and publish it as a new version."""

    name: str = Field(pattern=NAME_PATTERN, max_length=200, description="the model's")
    recipe: RecipeName | Document = Field(
        description="the name of one that the trainer has, or every number of another"
    )
    dataset_ids: list[uuid.UUID] = Field(min_length=1, max_length=MAX_DATASETS)
    base: str | None = Field(
        default=None,
        max_length=200,
        description="the model to start from: id, digest or name; null: from nothing",
    )
    seed: int | None = Field(default=None, ge=0, lt=2**63, description="in the place of the recipe's")
    split: SplitBy = Field(
        default=SplitBy.OFFICIAL,
        description="which photos judge: those in `valid/`, or a fifth of all, by source photo or by scene",
    )
    classes: Document | None = Field(
        default=None,
        description="which class names mean which family, and how people ask for it: the content of a "
        "`classes.yaml`; null: the one that the trainer has",
    )
    licence: Licence | None = Field(
        default=None, description="the weights'; null: that of the base, or `unknown`"
    )
    attribution: list[Line] = Field(
        default=[],
        max_length=MAX_ATTRIBUTION,
        description="who is to be named, beside those whom the data sets and the base name",
    )

    @field_validator("dataset_ids")
    @classmethod
    def _each_once(cls, value: list[uuid.UUID]) -> list[uuid.UUID]:
        if len(set(value)) < len(value):
            raise ValueError("a data set is named once")
        return value


class Preparation(Body):
    """What a training does before its first step, and how far it has come with it."""

    what: str = Field(description="`Words`, `Teacher` or `Cache`")
    done: int = Field(ge=0)
    total: int = Field(ge=0)


class Training(Body):
    """A training and how far it has come."""

    id: uuid.UUID
    name: str
    state: TrainingState
    recipe_name: str | None
    recipe: dict[str, Any] | None = Field(description="every number; null until a trainer looked a name up")
    seed: int | None
    split: SplitBy
    classes: dict[str, Any] | None
    licence: str | None
    attribution: list[str]
    dataset_ids: list[uuid.UUID]
    base_model_id: uuid.UUID | None
    model_id: uuid.UUID | None = Field(
        description="the version that came of it; of a cancelled or diverged one, its best epoch's"
    )
    preparation: Preparation | None = Field(description="null from the first step on")
    step: int
    steps: int | None
    percent: float = Field(ge=0, le=100)
    loss: float | None = Field(description="of the latest step")
    eta_s: float | None = Field(description="seconds of steps left at the pace so far")
    attempt: int = Field(description="how many trainers have taken it up")
    code: str | None
    detail: str | None
    created_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None


class TrainingEpoch(Body):
    """What an epoch came to; null where it is no finite number."""

    number: int
    step: int
    train_loss: float | None
    valid_loss: float | None = Field(description="binary cross-entropy on the photos held out")
    valid_iou: float | None = Field(description="mean foreground IoU on the photos held out")
    learning_rate: float
    seconds: float


class TrainingDetail(Training):
    """A training with its epochs, and what its data came to."""

    epochs: list[TrainingEpoch]
    data_report: DataReport | None = Field(description="null until a trainer has read the data sets")
