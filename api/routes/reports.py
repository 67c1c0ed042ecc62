"""Reports of inspections, sites and walls, as JSON or CSV."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.auth import Caller
from api.context import Services
from wallscan.records import inspections, reports, sites, walls
from wallscan.records.session import snapshot
from wallscan.report.csv import photos_csv, walls_csv
from wallscan.wire.report import Report

router = APIRouter(tags=["reports"])
Format = Annotated[
    Literal["json", "csv", "walls.csv"],
    Query(description="`csv`: a row per photo and prompt; `walls.csv`: a row per wall and prompt"),
]
Photos = Annotated[bool, Query(description="a row per photo and prompt, too (JSON)")]
_ALSO_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_WRITERS = {"csv": photos_csv, "walls.csv": walls_csv}


@router.get("/inspections/{inspection_id}/report", response_model=Report, responses=_ALSO_CSV)
def get_inspection_report(
    inspection_id: UUID,
    services: Services,
    caller: Caller,
    format: Format = "json",  # noqa: A002 - the parameter's public name
    photos: Photos = False,
    run_id: UUID | None = None,
) -> Response:
    """An inspection's report from its active run, or from another one."""
    with snapshot(services.engine) as session:
        inspections.site_of(session, caller.sites, inspection_id)
        report = reports.inspection_report(session, inspection_id, run_id, photos or format == "csv")
    return _written(report, format)


@router.get("/sites/{site_id}/report", response_model=Report, responses=_ALSO_CSV)
def get_site_report(
    site_id: UUID,
    services: Services,
    caller: Caller,
    format: Format = "json",  # noqa: A002 - the parameter's public name
    photos: Photos = False,
    run_id: UUID | None = None,
    inspection_id: UUID | None = None,
) -> Response:
    """A site's report: its newest inspection with an active run, or the one that is named."""
    with snapshot(services.engine) as session:
        site = sites.get(session, caller.sites, site_id)
        report = reports.site_report(session, site.id, inspection_id, run_id, photos or format == "csv")
    return _written(report, format)


@router.get("/walls/{wall_id}/report", response_model=Report, responses=_ALSO_CSV)
def get_wall_report(
    wall_id: UUID,
    services: Services,
    caller: Caller,
    format: Format = "json",  # noqa: A002 - the parameter's public name
    photos: Photos = False,
    run_id: UUID | None = None,
    inspection_id: UUID | None = None,
) -> Response:
    """A wall's report: the newest inspection with an active run that saw it, or the one that is named."""
    with snapshot(services.engine) as session:
        wall = walls.get(session, caller.sites, wall_id)
        report = reports.wall_report(session, wall.id, inspection_id, run_id, photos or format == "csv")
    return _written(report, format)


def _written(report: Report, format: str) -> Response:  # noqa: A002 - as the routes call it
    headers = {"Cache-Control": "private, no-cache"}
    writer = _WRITERS.get(format)
    if writer is None:
        return Response(report.model_dump_json(), media_type="application/json", headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{report.inspection_id}.{format}"'
    return Response(writer(report), media_type="text/csv", headers=headers)
