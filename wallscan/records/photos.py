"""Photos of an inspection: their facts, their look-alikes, what the active run found on them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, cast, func, select, update
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import Session, aliased

from wallscan.domain.codes import Code
from wallscan.domain.errors import RunError, WallscanError
from wallscan.domain.lifecycle import PhotoState
from wallscan.records.report_queries import measured_columns
from wallscan.records.sites import SiteIds, visible
from wallscan.records.tables import Inspection, Item, Photo, Run, Wall
from wallscan.wire import uploads as wire

LOOK_ALIKE_BITS = 6
"""Perceptual hashes (64 bits) that differ in at most so many bits belong to nearly the same picture."""

_Original = aliased(Photo, name="original")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a photo's bytes are: under `original_id`, its own id or that of the photo it links to."""

    inspection_id: uuid.UUID
    original_id: uuid.UUID
    state: PhotoState
    code: str | None
    detail: str | None
    sha256: str | None
    active_run_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class StoredMask:
    """A finished result's mask."""

    prompt: str
    mask_key: str
    mask_sha256: str


def get(session: Session, sites: SiteIds, photo_id: uuid.UUID) -> wire.Photo:
    """A photo with look-alikes and the active run's results. Raises WallscanError `photo_unknown`."""
    statement = _photos().where(Photo.id == photo_id, visible(Inspection.site_id, sites))
    row = session.execute(statement.join(Inspection, Inspection.id == Photo.inspection_id)).first()
    if row is None:
        raise _unknown(photo_id)
    photo = _body(row)
    photo.look_alikes = _look_alikes(session, photo, row.phash)
    photo.results = _results(session, photo)
    return photo


def page(
    session: Session,
    inspection_id: uuid.UUID,
    *,
    state: PhotoState | None,
    wall_id: uuid.UUID | None,
    after: str | None,
    limit: int,
) -> list[wire.Photo]:
    """Up to `limit` photos of an inspection by path, beginning after the path `after`, without results."""
    statement = _photos().where(Photo.inspection_id == inspection_id)
    if state is not None:
        statement = statement.where(Photo.state == state)
    if wall_id is not None:
        statement = statement.where(Photo.wall_id == wall_id)
    if after is not None:
        statement = statement.where(Photo.path > after)
    return [_body(row) for row in session.execute(statement.order_by(Photo.path).limit(limit))]


def change(session: Session, sites: SiteIds, photo_id: uuid.UUID, values: Mapping[str, Any]) -> wire.Photo:
    """Set what a person says of a photo (`wire.PhotoChange`), by column; links share it with their first.

    Later work goes by it; results that are there keep the scale that they record. Raises WallscanError
    `photo_unknown`.
    """
    there = source(session, sites, photo_id)
    if values:
        session.execute(update(Photo).where(Photo.id == there.original_id).values(dict(values)))
    return get(session, sites, photo_id)


def source(session: Session, sites: SiteIds, photo_id: uuid.UUID) -> Source:
    """Where a photo's bytes are. Raises WallscanError `photo_unknown`."""
    row = session.execute(
        select(
            Photo.inspection_id,
            func.coalesce(Photo.duplicate_of_id, Photo.id).label("original_id"),
            *(Photo.state, Photo.code, Photo.detail, Photo.sha256),
            Inspection.active_run_id,
        )
        .join(Inspection, Inspection.id == Photo.inspection_id)
        .where(Photo.id == photo_id, visible(Inspection.site_id, sites))
    ).first()
    if row is None:
        raise _unknown(photo_id)
    return Source(**row._asdict())


def masks(
    session: Session, photo: Source, run_id: uuid.UUID | None, prompts: Sequence[str]
) -> list[StoredMask]:
    """Masks of a photo by prompt, in the order asked; of all the run's prompts where none is named.

    Of the active run unless `run_id` names another. Raises RunError `run_unknown` where that is no run of
    the photo's inspection, WallscanError `mask_unknown` where a prompt has no finished result.
    """
    chosen = photo.active_run_id if run_id is None else _own_run(session, photo, run_id)
    rows = session.execute(
        select(Run.prompts[Item.prompt_index + 1].label("prompt"), Item.mask_key, Item.mask_sha256)
        .join(Run, Run.id == Item.run_id)
        .where(Item.run_id == chosen, Item.photo_id == photo.original_id)
        .order_by(Item.prompt_index)
    )
    found = {row.prompt: StoredMask(**row._asdict()) for row in rows}
    missing = [prompt for prompt in prompts if prompt not in found]
    if missing or not found:
        asked = repr(missing[0][:80]) if missing else "any prompt"
        raise WallscanError(Code.MASK_UNKNOWN, f"the photo has no finished result for {asked}")
    return [found[prompt] for prompt in prompts or found]


def _own_run(session: Session, photo: Source, run_id: uuid.UUID) -> uuid.UUID:
    own = select(Run.id).where(Run.id == run_id, Run.inspection_id == photo.inspection_id)
    if session.scalar(own) is None:
        raise RunError(Code.RUN_UNKNOWN, f"the photo's inspection has no run {run_id}")
    return run_id


def _photos() -> Select[*tuple[Any, ...]]:
    """Photos with what decoding told about them, which is known of the original alone."""
    facts = (
        *("media_type", "width_px", "height_px", "taken_at", "camera", "phash"),
        *("scale", "wall_polygon_px"),
    )
    return (
        select(
            *(Photo.id, Photo.inspection_id, Photo.wall_id, Photo.path, Photo.state, Photo.code),
            *(Photo.detail, Photo.sha256, Photo.size_bytes, Photo.created_at),
            Photo.duplicate_of_id.label("duplicate_of"),
            Wall.name.label("wall"),
            *(func.coalesce(getattr(Photo, fact), getattr(_Original, fact)).label(fact) for fact in facts),
        )
        .select_from(Photo)
        .join(Wall, Wall.id == Photo.wall_id, isouter=True)
        .join(_Original, _Original.id == Photo.duplicate_of_id, isouter=True)
    )


def _body(row: Row[*tuple[Any, ...]]) -> wire.Photo:
    fields = row._asdict()
    del fields["phash"]
    return wire.Photo(**fields)


def _look_alikes(session: Session, photo: wire.Photo, phash: int | None) -> list[uuid.UUID]:
    """Other contents of the inspection whose perceptual hash differs in a few bits alone."""
    if phash is None:
        return []
    differing_bits = func.bit_count(cast(Photo.phash.op("#")(phash), BIT(64)))
    return list(
        session.scalars(
            select(Photo.id)
            .where(
                Photo.inspection_id == photo.inspection_id,
                Photo.id.not_in([photo.id, photo.duplicate_of or photo.id]),
                differing_bits <= LOOK_ALIKE_BITS,
            )
            .order_by(Photo.path)
        )
    )


def _results(session: Session, photo: wire.Photo) -> list[wire.PhotoResult]:
    rows = session.execute(
        select(
            Item.run_id,
            Run.prompts[Item.prompt_index + 1].label("prompt"),
            *(Item.coverage_pct, Item.foreground_px, Item.analysed_px),
            *(Item.presence, Item.max_probability, Item.threshold, Item.components),
            *measured_columns(),
            *(Item.orientation_coherence, Item.orientation_histogram_pct),
            *(Item.largest_crack_length_px, Item.largest_crack_polyline_px),
        )
        .join(Run, Run.id == Item.run_id)
        .join(Inspection, and_(Inspection.id == Run.inspection_id, Inspection.active_run_id == Run.id))
        .where(Item.photo_id == (photo.duplicate_of or photo.id), Inspection.id == photo.inspection_id)
        .order_by(Item.prompt_index)
    )
    return [wire.PhotoResult(**row._asdict()) for row in rows]


def _unknown(photo_id: uuid.UUID) -> WallscanError:
    return WallscanError(Code.PHOTO_UNKNOWN, f"there is no photo {photo_id}")
