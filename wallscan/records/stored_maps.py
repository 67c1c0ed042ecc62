"""The probability maps that an earlier run left in storage, to be measured again without the network."""

import uuid
from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from wallscan.records.tables import Item, Task


@dataclass(frozen=True, slots=True)
class StoredMap:
    """Where a map lies, its SHA-256 in hex, the side of a view in its cells (None: all), what made it."""

    key: str
    sha256: str
    view_cells: int | None
    runtime: str


def stored_maps(
    session: Session, from_run_id: uuid.UUID | None, photo_id: uuid.UUID, prompts: int
) -> tuple[StoredMap, ...]:
    """The maps of a photo, one a prompt, or none where any is missing."""
    if from_run_id is None:
        return ()
    rows = session.execute(
        select(Item.map_key, Item.map_sha256, Item.view_cells, func.coalesce(Task.runtime, ""))
        .join(Task, and_(Task.run_id == Item.run_id, Task.photo_id == Item.photo_id))
        .where(Item.run_id == from_run_id, Item.photo_id == photo_id)
        .order_by(Item.prompt_index)
    )
    maps = tuple(
        StoredMap(key, sha256, cells, runtime) for key, sha256, cells, runtime in rows if key and sha256
    )
    return maps if len(maps) == prompts else ()
