"""Masks and pictures of a report, fetched side by side and checked."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from rich.console import Console

from wallscan.client.errors import ApiError
from wallscan.client.http import Client
from wallscan.client.meter import meter
from wallscan.client.output import Output, mask_path, overlay_path
from wallscan.domain.area import sought
from wallscan.domain.codes import Code
from wallscan.wire.report import PhotoRow, Report

_FETCHERS = 8
_ALL_PICTURES_UP_TO = 200
_PICTURES_PER_WALL = 12
T = TypeVar("T")


def fetch_masks(client: Client, report: Report, output: Output, console: Console) -> Report:
    """The report with `mask` set on every row whose mask now lies in `output`.

    Raises ApiError `mask_checksum_mismatch` where other bytes arrive than the report names.
    """

    def fetch(row: PhotoRow) -> PhotoRow:
        path = mask_path(row.photo, row.prompt)
        output.write(path, _mask(client, row, report.run.run_id))
        return row.model_copy(update={"mask": path})

    wanted = [row for row in report.photos if row.mask_sha256]
    done = {_key(row): row for row in _side_by_side(fetch, wanted, console, "Masks")}
    return report.model_copy(update={"photos": [done.get(_key(row), row) for row in report.photos]})


def fetch_overlays(client: Client, report: Report, output: Output, console: Console) -> dict[UUID, str]:
    """Pictures for the HTML report, paths beside it by photo id."""

    def fetch(row: PhotoRow) -> tuple[UUID, str]:
        path = overlay_path(row.photo)
        output.write(path, client.overlay(row.photo_id, report.run.prompts, report.run.run_id))
        return row.photo_id, path

    return dict(_side_by_side(fetch, pictured(report), console, "Pictures"))


def pictured(report: Report) -> list[PhotoRow]:
    """One row for each photo to be shown: all where they are few, else the worst of each wall.

    How bad a photo is goes by what was sought on the wall, not by how much wall it shows. Copies come last:
    they look like their first, which the report shows in their place.
    """
    worst: dict[UUID, PhotoRow] = {}
    ranking = sought(report.run.prompts)
    for row in (row for row in report.photos if row.prompt in ranking and row.mask_sha256):
        if _coverage(row) >= _coverage(worst.get(row.photo_id, row)):
            worst[row.photo_id] = row
    ranked = sorted(worst.values(), key=lambda row: (row.status == "duplicate", -_coverage(row)))
    if len(ranked) <= _ALL_PICTURES_UP_TO:
        return ranked
    shown: dict[str | None, list[PhotoRow]] = {}
    for row in ranked:
        shown.setdefault(row.wall, []).append(row)
    return [row for rows in shown.values() for row in rows[:_PICTURES_PER_WALL]]


def _mask(client: Client, row: PhotoRow, run_id: UUID) -> bytes:
    data = client.mask(row.photo_id, row.prompt, run_id)
    if hashlib.sha256(data).hexdigest() != row.mask_sha256:
        raise ApiError(Code.MASK_CHECKSUM_MISMATCH, f"the mask of {row.photo} is not the one reported", 500)
    return data


def _side_by_side(
    fetch: Callable[[PhotoRow], T], rows: Sequence[PhotoRow], console: Console, title: str
) -> Iterable[T]:
    if not rows:
        return []
    pool, fetched = ThreadPoolExecutor(_FETCHERS, thread_name_prefix="fetch"), []
    try:
        with meter(console, title, len(rows), "files") as progress:
            for result in pool.map(fetch, rows):
                fetched.append(result)
                progress.advance(1)
    finally:
        pool.shutdown(cancel_futures=True)
    return fetched


def _key(row: PhotoRow) -> tuple[UUID, str]:
    return row.photo_id, row.prompt


def _coverage(row: PhotoRow) -> float:
    return row.coverage_pct or 0.0
