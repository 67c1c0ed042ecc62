"""Walls of a site."""

import uuid
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.records import tables
from wallscan.records.sites import SiteIds, visible
from wallscan.wire.places import Wall


def create(session: Session, site_id: uuid.UUID, name: str) -> Wall:
    """Make a wall. Raises WallscanError `name_taken`."""
    made = session.scalar(
        insert(tables.Wall).values(site_id=site_id, name=name).on_conflict_do_nothing().returning(tables.Wall)
    )
    if made is None:
        raise WallscanError(Code.NAME_TAKEN, f"the site already has a wall named {name!r}")
    return Wall.model_validate(made, from_attributes=True)


def get(session: Session, sites: SiteIds, wall_id: uuid.UUID) -> Wall:
    """One wall. Raises WallscanError `wall_unknown`."""
    found = session.scalar(
        select(tables.Wall).where(tables.Wall.id == wall_id, visible(tables.Wall.site_id, sites))
    )
    if found is None:
        raise WallscanError(Code.WALL_UNKNOWN, f"there is no wall {wall_id}")
    return Wall.model_validate(found, from_attributes=True)


def page(session: Session, site_id: uuid.UUID, after: str | None, limit: int) -> list[Wall]:
    """Up to `limit` walls of a site by name, beginning after the name `after`."""
    statement = select(tables.Wall).where(tables.Wall.site_id == site_id)
    if after is not None:
        statement = statement.where(tables.Wall.name > after)
    rows = session.scalars(statement.order_by(tables.Wall.name).limit(limit))
    return [Wall.model_validate(row, from_attributes=True) for row in rows]


def known(session: Session, site_id: uuid.UUID, names: Iterable[str]) -> dict[str, uuid.UUID]:
    """The ids of those of the named walls that the site has."""
    rows = session.execute(
        select(tables.Wall.name, tables.Wall.id).where(
            tables.Wall.site_id == site_id, tables.Wall.name.in_(set(names))
        )
    )
    return {row.name: row.id for row in rows}


def ensure(session: Session, site_id: uuid.UUID, names: Iterable[str]) -> dict[str, uuid.UUID]:
    """The ids of the named walls; those that the site lacks are made."""
    wanted = sorted(set(names))  # one order for all callers, so that two of them do not deadlock
    if wanted:
        rows = [{"site_id": site_id, "name": name} for name in wanted]
        session.execute(insert(tables.Wall).on_conflict_do_nothing(), rows)
    return known(session, site_id, wanted)
