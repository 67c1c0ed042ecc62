"""What the claims of trainings and comparisons are about: model versions and data sets in storage."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from wallscan.records import models
from wallscan.records.model_tables import ModelVersion


@dataclass(frozen=True, slots=True)
class Version:
    """A model version: its manifest, and that of the bundle it completes, if it is a delta."""

    manifest: dict[str, Any]
    base: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A data set's zip file; `sha256` is hex."""

    id: uuid.UUID
    name: str
    sha256: str


def version(session: Session, model_id: uuid.UUID) -> Version:
    """A version that is known to be there."""
    manifest = session.get_one(ModelVersion, model_id).manifest
    return Version(manifest, models.base_manifest(session, model_id))
