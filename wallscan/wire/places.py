"""Sites, walls and inspections."""

import datetime as dt
import uuid

from pydantic import Field

from wallscan.wire.common import Body


class NewSite(Body):
    """A site to be made."""

    name: str = Field(min_length=1, max_length=200)


class Site(Body):
    """A building or lot."""

    id: uuid.UUID
    name: str
    created_at: dt.datetime


class NewWall(Body):
    """A wall to be made."""

    name: str = Field(min_length=1, max_length=200)


class Wall(Body):
    """A wall of a site."""

    id: uuid.UUID
    site_id: uuid.UUID
    name: str
    created_at: dt.datetime


class NewInspection(Body):
    """An inspection to be opened; the name defaults to its date."""

    name: str | None = Field(default=None, min_length=1, max_length=200)


class PhotoCounts(Body):
    """Photos of an inspection by state; `duplicate` ones are stored, too, under another path."""

    expected: int = 0
    stored: int = 0
    rejected: int = 0
    duplicate: int = 0


class Inspection(Body):
    """One visit to a site."""

    id: uuid.UUID
    site_id: uuid.UUID
    name: str
    active_run_id: uuid.UUID | None
    created_at: dt.datetime
    photos: PhotoCounts
