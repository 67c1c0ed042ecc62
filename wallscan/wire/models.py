"""Model versions: listing, handing in, activating."""

import datetime as dt
import uuid
from typing import Any

from wallscan.domain.lifecycle import ModelState
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


class NewModel(Body):
    """A bundle to be handed in: its manifest first, then its files, then `check`."""

    manifest: dict[str, Any]


class ModelUpload(Body):
    """Where each file of the bundle goes; files already in storage are left out."""

    model: Model
    targets: dict[str, UploadTarget]
