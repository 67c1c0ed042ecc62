"""Inspections of a site."""

import datetime as dt
from uuid import UUID

from fastapi import APIRouter
from pydantic import TypeAdapter

from api.auth import Caller
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from wallscan.domain.names import normal_name
from wallscan.records import inspections, sites
from wallscan.records.session import snapshot, transaction
from wallscan.wire.common import Page
from wallscan.wire.places import Inspection, NewInspection

router = APIRouter(tags=["inspections"])
_BY_TIME: TypeAdapter[tuple[dt.datetime, UUID]] = TypeAdapter(tuple[dt.datetime, UUID])


@router.post("/sites/{site_id}/inspections", status_code=201)
def create_inspection(site_id: UUID, new: NewInspection, services: Services, caller: Caller) -> Inspection:
    """Open an inspection: photos go into it, runs look at them."""
    name = None if new.name is None else normal_name(new.name)
    with transaction(services.engine) as session:
        site = sites.get(session, caller.sites, site_id)
        return inspections.create(session, site.id, name)


@router.get("/sites/{site_id}/inspections")
def list_inspections(
    site_id: UUID, services: Services, caller: Caller, limit: Limit = 100, cursor: Cursor = None
) -> Page[Inspection]:
    """Inspections of a site, newest first."""
    after = begin(cursor, _BY_TIME)
    with snapshot(services.engine) as session:
        site = sites.get(session, caller.sites, site_id)
        rows = inspections.page(session, site.id, after, limit + 1)
    return page(rows, limit, _BY_TIME, lambda inspection: (inspection.created_at, inspection.id))


@router.get("/inspections/{inspection_id}")
def get_inspection(inspection_id: UUID, services: Services, caller: Caller) -> Inspection:
    """One inspection, with its photos counted."""
    with snapshot(services.engine) as session:
        return inspections.get(session, caller.sites, inspection_id)
