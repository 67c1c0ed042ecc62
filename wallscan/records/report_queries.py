"""The two queries behind a report: a row per wall and prompt, a row per photo and prompt.

Both read the same rows, `_fates`, so that they cannot tell different stories.
"""

import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Select,
    Subquery,
    TableValuedAlias,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from wallscan.domain.area import Basis
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import PhotoState, TaskState
from wallscan.records.tables import Item, Photo, Run, Task, Wall
from wallscan.wire.measured import MEASURED_COLUMNS

_Cells = ColumnElement[int] | InstrumentedAttribute[int | None]
_FAILED = (TaskState.FAILED, "rejected", "not_uploaded")
_PENDING = (TaskState.QUEUED, TaskState.RUNNING, TaskState.CANCELLED, "not_in_run")


def join_by_hashing(session: Session) -> None:
    """Rule out nested loops for the rest of the transaction.

    Just after ten thousand photos came in, the planner still believes in a handful, and would compare every
    photo with every task: minutes. Hashing is right for both queries here, whatever is known about the rows.
    """
    session.execute(select(func.set_config("enable_nestloop", "off", True)))


def wall_rows(run: Run, wall_id: uuid.UUID | None) -> Select[Any]:
    """A row per wall and prompt, in the order of the walls' names and the run's prompts.

    Photos counted, failed, pending and duplicate add up to all photos of the wall.
    """
    photos, prompts = _fates(run, wall_id), _prompts(run)
    counted = and_(photos.c.copy == 1, photos.c.fate == TaskState.SUCCEEDED)
    worst_first = aggregate_order_by(photos.c.path, Item.coverage_pct.desc(), photos.c.path)
    columns: list[ColumnElement[Any]] = [
        *(Wall.id.label("wall_id"), Wall.name.label("wall"), prompts.c.prompt),
        func.count().label("photos"),
        _number(counted).label("photos_counted"),
        _number(photos.c.copy == 1, photos.c.fate.in_(_FAILED)).label("photos_failed"),
        _number(photos.c.copy == 1, photos.c.fate.in_(_PENDING)).label("photos_pending"),
        _number(photos.c.copy > 1).label("photos_duplicate"),
        _number(counted, Item.foreground_px > 0).label("photos_with_finding"),
        _pixels(Item.foreground_px, counted).label("foreground_px"),
        _pixels(Item.analysed_px, counted).label("analysed_px"),
        func.max(Item.coverage_pct).filter(counted).label("max_photo_coverage_pct"),
        func.array_agg(worst_first).filter(counted)[1].label("worst_photo"),
        *_measured(counted),
    ]
    return (
        select(*columns)
        .select_from(photos)
        .join(Wall, Wall.id == photos.c.wall_id)
        .join(prompts, literal(True))
        .join(Item, _result(run, photos, prompts), isouter=True)
        .group_by(Wall.id, prompts.c.place, prompts.c.prompt)
        .order_by(Wall.name, prompts.c.place)
    )


def photo_rows(run: Run, wall_id: uuid.UUID | None) -> Select[Any]:
    """A row per photo and prompt, whatever became of it, in the order of wall, path and prompt."""
    photos, prompts = _fates(run, wall_id), _prompts(run)
    is_duplicate = photos.c.duplicate_of.is_not(None)
    return (
        select(
            *(photos.c.photo_id, Wall.name.label("wall"), photos.c.path.label("photo"), prompts.c.prompt),
            case((is_duplicate, "duplicate"), else_=photos.c.fate).label("status"),
            *(
                Item.coverage_pct,
                Item.estimated_coverage_pct,
                Item.estimated_low_pct,
                Item.estimated_high_pct,
            ),
            *(Item.foreground_px, Item.analysed_px),
            *(photos.c.width_px, photos.c.height_px),
            *(Item.presence, Item.threshold, Item.components, Item.max_probability, Item.mask_sha256),
            *(photos.c.duplicate_of, photos.c.code, photos.c.detail),
            *measured_columns(),
        )
        .select_from(photos)
        .join(Wall, Wall.id == photos.c.wall_id, isouter=True)
        .join(prompts, literal(True))
        .join(Item, _result(run, photos, prompts), isouter=True)
        .order_by(Wall.name, photos.c.path, prompts.c.place)
    )


def measured_columns() -> list[ColumnElement[Any]]:
    """The fields of `wire.measured.MeasuredNumbers` of an item."""
    return [
        *(getattr(Item, name) for name in MEASURED_COLUMNS),
        _cell_coverage_pct(Item.cells_found, Item.cells_analysed),
        (func.cardinality(Item.review_reasons) > 0).label("needs_review"),
    ]


def _cell_coverage_pct(found: _Cells, analysed: _Cells) -> ColumnElement[Any]:
    """The share of grid cells that hold some, as `cell_coverage_pct`; null where there is none to count."""
    return (100.0 * cast(found, Float) / func.nullif(analysed, 0)).label("cell_coverage_pct")


def _measured(counted: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    """What is added up over the photos that count, and the widest of what is wide enough to tell."""
    cells_found, cells_analysed = (
        _pixels(cells, counted) for cells in (Item.cells_found, Item.cells_analysed)
    )
    bases = func.array_agg(func.coalesce(Item.basis, Basis.PHOTO.value).distinct()).filter(counted)
    # At the limit a width is that of the map's cells: the largest of them would pass for the wall's worst.
    told = and_(counted, Item.at_resolution_limit.is_(False))
    return [
        bases.label("bases"),
        cells_found.label("cells_found"),
        cells_analysed.label("cells_analysed"),
        _cell_coverage_pct(cells_found, cells_analysed),
        _pixels(Item.cracks, counted).label("cracks"),
        _number(counted, Item.length_px.is_not(None)).label("photos_with_length"),
        func.sum(Item.length_px).filter(counted).label("length_px"),
        func.max(Item.max_width_px).filter(told).label("max_width_px"),
        _number(counted, Item.length_mm.is_not(None)).label("photos_with_scale"),
        func.sum(Item.length_mm).filter(counted).label("length_mm"),
        func.max(Item.max_width_mm).filter(told).label("max_width_mm"),
        func.max(Item.width_band).filter(counted).label("max_width_band"),
        _number(counted, func.cardinality(Item.review_reasons) > 0).label("photos_to_review"),
    ]


def _fates(run: Run, wall_id: uuid.UUID | None) -> Subquery:
    """Every photo of the run's inspection, or of one wall of it, and what became of it.

    `content_id` is the photo whose result serves this one. `copy` numbers the photos of one content within
    a wall: a content counts once a wall, where `copy` is 1.
    """
    original = aliased(Photo)
    content_id = _content_id()
    copy = func.row_number().over(
        partition_by=(Photo.wall_id, content_id), order_by=(Photo.id != content_id, Photo.path)
    )
    rows = (
        select(
            *(Photo.id.label("photo_id"), Photo.wall_id, Photo.path),
            *(content_id.label("content_id"), copy.label("copy"), _fate(original).label("fate")),
            case((Photo.id != content_id, original.path)).label("duplicate_of"),
            func.coalesce(Photo.width_px, original.width_px).label("width_px"),
            func.coalesce(Photo.height_px, original.height_px).label("height_px"),
            func.coalesce(original.code, Task.code).label("code"),
            func.coalesce(original.detail, Task.detail).label("detail"),
        )
        .join(original, and_(original.id == content_id, original.inspection_id == run.inspection_id))
        .join(Task, and_(Task.run_id == run.id, Task.photo_id == content_id), isouter=True)
        .where(Photo.inspection_id == run.inspection_id)
    )
    return (rows if wall_id is None else rows.where(Photo.wall_id == wall_id)).subquery("photos")


def _content_id() -> ColumnElement[uuid.UUID]:
    """A rejected photo stands for itself alone, even where it was announced with the bytes of another."""
    own = Photo.state == PhotoState.REJECTED
    return case((own, Photo.id), else_=func.coalesce(Photo.duplicate_of_id, Photo.id))


def _fate(original: type[Photo]) -> ColumnElement[str]:
    """What became of a content: given up, rejected, its task's state, or announced after the run.

    Of what was announced before, submitting the run left none expected.
    """
    return case(
        (original.code == Code.PHOTO_NOT_UPLOADED, "not_uploaded"),
        (original.state == PhotoState.REJECTED, "rejected"),
        else_=func.coalesce(cast(Task.state, Text), "not_in_run"),
    )


def _prompts(run: Run) -> TableValuedAlias:
    """The run's prompts with their places, from 1."""
    values = func.unnest(cast(run.prompts, Run.prompts.type))
    return values.table_valued("prompt", with_ordinality="place", name="prompts").render_derived()


def _result(run: Run, photos: Subquery, prompts: TableValuedAlias) -> ColumnElement[bool]:
    return and_(
        Item.run_id == run.id, Item.photo_id == photos.c.content_id, Item.prompt_index == prompts.c.place - 1
    )


def _number(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(*conditions)


def _pixels(
    column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], counted: ColumnElement[bool]
) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column).filter(counted), 0), BigInteger)
