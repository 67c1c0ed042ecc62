"""Walls of a site."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import TypeAdapter

from api.auth import Caller
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from wallscan.domain.walls import wall_name
from wallscan.records import sites, walls
from wallscan.records.session import snapshot, transaction
from wallscan.wire.common import Page
from wallscan.wire.places import NewWall, Wall

router = APIRouter(tags=["walls"])
_BY_NAME: TypeAdapter[tuple[str]] = TypeAdapter(tuple[str])


@router.post("/sites/{site_id}/walls", status_code=201)
def create_wall(site_id: UUID, new: NewWall, services: Services, caller: Caller) -> Wall:
    """Make a wall. Folders of photos that come in make theirs by themselves."""
    name = wall_name(new.name)
    with transaction(services.engine) as session:
        site = sites.get(session, caller.sites, site_id)
        return walls.create(session, site.id, name)


@router.get("/sites/{site_id}/walls")
def list_walls(
    site_id: UUID, services: Services, caller: Caller, limit: Limit = 100, cursor: Cursor = None
) -> Page[Wall]:
    """Walls of a site by name."""
    after = begin(cursor, _BY_NAME)
    with snapshot(services.engine) as session:
        site = sites.get(session, caller.sites, site_id)
        rows = walls.page(session, site.id, after[0] if after else None, limit + 1)
    return page(rows, limit, _BY_NAME, lambda wall: (wall.name,))


@router.get("/walls/{wall_id}")
def get_wall(wall_id: UUID, services: Services, caller: Caller) -> Wall:
    """One wall."""
    with snapshot(services.engine) as session:
        return walls.get(session, caller.sites, wall_id)
