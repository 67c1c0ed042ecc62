"""Sites, and which of them a caller may see."""

import uuid

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.records import tables
from wallscan.wire.places import Site

SiteIds = frozenset[uuid.UUID] | None
"""The sites that a caller may see; None means every site."""


def visible(site_id: InstrumentedAttribute[uuid.UUID], sites: SiteIds) -> ColumnElement[bool]:
    """The condition that a row belongs to a site the caller may see."""
    return true() if sites is None else site_id.in_(sites)


def create(session: Session, name: str) -> Site:
    """Make a site. Raises WallscanError `name_taken`."""
    made = session.scalar(
        insert(tables.Site).values(name=name).on_conflict_do_nothing().returning(tables.Site)
    )
    if made is None:
        raise WallscanError(Code.NAME_TAKEN, f"there is already a site named {name!r}")
    return Site.model_validate(made, from_attributes=True)


def get(session: Session, sites: SiteIds, site_id: uuid.UUID) -> Site:
    """One site. Raises WallscanError `site_unknown`."""
    found = session.scalar(
        select(tables.Site).where(tables.Site.id == site_id, visible(tables.Site.id, sites))
    )
    if found is None:
        raise WallscanError(Code.SITE_UNKNOWN, f"there is no site {site_id}")
    return Site.model_validate(found, from_attributes=True)


def page(session: Session, sites: SiteIds, name: str | None, after: str | None, limit: int) -> list[Site]:
    """Up to `limit` sites by name, beginning after the name `after`; only the one of `name` if given."""
    statement = select(tables.Site).where(visible(tables.Site.id, sites))
    if name is not None:
        statement = statement.where(tables.Site.name == name)
    if after is not None:
        statement = statement.where(tables.Site.name > after)
    rows = session.scalars(statement.order_by(tables.Site.name).limit(limit))
    return [Site.model_validate(row, from_attributes=True) for row in rows]
