"""Reports of walls, sites and inspections, added up by the database from the rows of one run."""

import uuid
from typing import Literal

from sqlalchemy import ColumnElement, RowMapping, and_, exists, func, literal, select
from sqlalchemy.orm import Session

from wallscan.domain.area import WALL_PROMPTS, Basis
from wallscan.domain.codes import Code
from wallscan.domain.coverage import coverage_pct
from wallscan.domain.errors import RunError
from wallscan.domain.lifecycle import PhotoState
from wallscan.models.manifest import unfamiliar
from wallscan.records.model_tables import ModelVersion
from wallscan.records.report_queries import join_by_hashing, photo_rows, wall_rows
from wallscan.records.tables import Inspection, Photo, Run, Site, Task
from wallscan.wire.report import PhotoRow, Report, RunFacts, WallRow


def inspection_report(
    session: Session, inspection_id: uuid.UUID, run_id: uuid.UUID | None = None, photos: bool = False
) -> Report:
    """An inspection's report from its active run, or from `run_id`; with a row per photo if `photos`.

    Raises RunError `run_unknown` where there is no such run, or none yet.
    """
    return _report(session, Inspection.id == inspection_id, run_id, photos)


def site_report(
    session: Session,
    site_id: uuid.UUID,
    inspection_id: uuid.UUID | None = None,
    run_id: uuid.UUID | None = None,
    photos: bool = False,
) -> Report:
    """The report of a site's newest inspection that has an active run, or of the one that is named.

    Raises RunError `run_unknown` as `inspection_report` does.
    """
    return _report(session, and_(Inspection.site_id == site_id, _is(inspection_id)), run_id, photos)


def wall_report(
    session: Session,
    wall_id: uuid.UUID,
    inspection_id: uuid.UUID | None = None,
    run_id: uuid.UUID | None = None,
    photos: bool = False,
) -> Report:
    """One wall's report, from the newest inspection with an active run and photos of it, or the one named.

    Raises RunError `run_unknown` as `inspection_report` does.
    """
    seen = exists().where(Photo.inspection_id == Inspection.id, Photo.wall_id == wall_id)
    return _report(session, and_(seen, _is(inspection_id)), run_id, photos, wall_id)


def _is(inspection_id: uuid.UUID | None) -> ColumnElement[bool]:
    return literal(True) if inspection_id is None else Inspection.id == inspection_id


def _report(
    session: Session,
    which: ColumnElement[bool],
    run_id: uuid.UUID | None,
    photos: bool,
    wall_id: uuid.UUID | None = None,
) -> Report:
    site, inspection, run, model = _chosen(session, which, run_id)
    join_by_hashing(session)
    walls = [_wall_row(row) for row in session.execute(wall_rows(run, wall_id)).mappings()]
    return Report(
        site_id=site.id,
        site=site.name,
        inspection_id=inspection.id,
        inspection=inspection.name,
        basis=_basis(walls),
        run=_run_facts(session, run, model),
        walls=walls,
        photos=_photos(session, run, wall_id) if photos else [],
        rejected=_rejected(session, run, wall_id),
    )


def _chosen(
    session: Session, which: ColumnElement[bool], run_id: uuid.UUID | None
) -> tuple[Site, Inspection, Run, ModelVersion]:
    wanted = Run.id == (Inspection.active_run_id if run_id is None else run_id)
    found = session.execute(
        select(Site, Inspection, Run, ModelVersion)
        .join(Inspection, Inspection.site_id == Site.id)
        .join(Run, and_(Run.inspection_id == Inspection.id, wanted))
        .join(ModelVersion, ModelVersion.id == Run.model_version_id)
        .where(which)
        .order_by(Inspection.created_at.desc(), Inspection.id)
        .limit(1)
    ).first()
    if found is None:
        raise RunError(Code.RUN_UNKNOWN, "there is no such run, or none has been submitted yet")
    site, inspection, run, model = found
    return site, inspection, run, model


def _run_facts(session: Session, run: Run, model: ModelVersion) -> RunFacts:
    runtimes = select(Task.runtime).where(Task.run_id == run.id, Task.runtime.is_not(None)).distinct()
    return RunFacts(
        run_id=run.id,
        state=run.state,
        model=model.name,
        model_digest=model.digest,
        prompts=run.prompts,
        unfamiliar_prompts=unfamiliar(run.prompts, model.manifest.get("families", ())),
        postprocess=run.postprocess,
        runtimes=sorted(filter(None, session.scalars(runtimes))),
        look=run.look,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _photos(session: Session, run: Run, wall_id: uuid.UUID | None) -> list[PhotoRow]:
    found = session.execute(photo_rows(run, wall_id))
    names = tuple(found.keys())
    # Plain dicts: a row's own mapping doubles the time of a large report.
    return [PhotoRow(**dict(zip(names, row, strict=True))) for row in found]


def _rejected(session: Session, run: Run, wall_id: uuid.UUID | None) -> int:
    rejected = select(func.count()).where(
        Photo.inspection_id == run.inspection_id, Photo.state == PhotoState.REJECTED
    )
    return session.scalar(rejected if wall_id is None else rejected.where(Photo.wall_id == wall_id)) or 0


def _wall_row(row: RowMapping) -> WallRow:
    fields = dict(row)
    bases: set[str] = set(fields.pop("bases") or (Basis.PHOTO,))
    analysed_px = row["analysed_px"]
    share = coverage_pct(row["foreground_px"], analysed_px) if analysed_px else None
    return WallRow(**fields, coverage_pct=share, basis="mixed" if len(bases) > 1 else Basis(bases.pop()))


def _basis(walls: list[WallRow]) -> Literal["photographed area", "wall area", "mixed"]:
    """What all coverage in a report is a share of; a wall prompt's own answer says nothing about it."""
    bases = {row.basis for row in walls if row.photos_counted and row.prompt.lower() not in WALL_PROMPTS}
    if bases <= {Basis.PHOTO}:
        return "photographed area"
    return "wall area" if bases <= {Basis.WALL_POLYGON, Basis.WALL_PROMPT} else "mixed"
