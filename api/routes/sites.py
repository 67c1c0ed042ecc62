"""Sites."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import TypeAdapter

from api.auth import Caller
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.names import normal_name
from wallscan.records import sites
from wallscan.records.session import snapshot, transaction
from wallscan.wire.common import Page
from wallscan.wire.places import NewSite, Site

router = APIRouter(tags=["sites"])
_BY_NAME: TypeAdapter[tuple[str]] = TypeAdapter(tuple[str])


@router.post("/sites", status_code=201)
def create_site(new: NewSite, services: Services, caller: Caller) -> Site:
    """Make a site; its name is taken once."""
    if caller.sites is not None:
        raise WallscanError(Code.SCOPE_MISSING, "a key that is bound to sites cannot make another")
    with transaction(services.engine) as session:
        return sites.create(session, normal_name(new.name))


@router.get("/sites")
def list_sites(
    services: Services,
    caller: Caller,
    name: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Site]:
    """Sites by name; with `name` the one of exactly that name, if there is one."""
    after = begin(cursor, _BY_NAME)
    wanted = None if name is None else normal_name(name)
    with snapshot(services.engine) as session:
        rows = sites.page(session, caller.sites, wanted, after[0] if after else None, limit + 1)
    return page(rows, limit, _BY_NAME, lambda site: (site.name,))


@router.get("/sites/{site_id}")
def get_site(site_id: UUID, services: Services, caller: Caller) -> Site:
    """One site."""
    with snapshot(services.engine) as session:
        return sites.get(session, caller.sites, site_id)
