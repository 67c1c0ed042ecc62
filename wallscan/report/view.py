"""What the HTML report shows, worked out from a report: the template only lays it out."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote
from uuid import UUID

from wallscan.domain.area import sought
from wallscan.domain.palette import prompt_colour
from wallscan.report.lengths import photo_notes
from wallscan.wire.report import PhotoRow, Report, RowStatus, WallRow

WORST_PHOTOS = 12
STATUS_WORDS: Mapping[RowStatus, str] = {
    "failed": "failed",
    "rejected": "rejected",
    "not_uploaded": "never uploaded",
    "cancelled": "cancelled",
    "queued": "waiting",
    "running": "under way",
    "not_in_run": "handed in after the run",
    "duplicate": "the same file as another without a result",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One prompt on one photo: its colour `#rrggbb`, its coverage, where its mask lies, what else to say.

    `is_ranked` says whether photos are ranked by it, see `wallscan.domain.area.sought`.
    """

    prompt: str
    colour: str
    coverage_pct: float | None
    is_ranked: bool
    mask: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhotoView:
    """One photo with all its prompts. `picture` and masks are URLs, safe to be attributes."""

    first: PhotoRow
    findings: tuple[Finding, ...]
    picture: str | None

    @property
    def worst_pct(self) -> float:
        """The highest coverage of any prompt that photos are ranked by; 0 where nothing was measured."""
        return max((f.coverage_pct or 0.0 for f in self.findings if f.is_ranked), default=0.0)

    @property
    def is_shown(self) -> bool:
        """Whether there is something to look at that no other photo shows."""
        return self.worst_pct > 0.0 and self.first.status != "duplicate"

    @property
    def is_copy(self) -> bool:
        """Whether another photo's result is its own, too; a copy of one without a result has none either."""
        has_result = any(finding.coverage_pct is not None for finding in self.findings)
        return self.first.status == "duplicate" and has_result


@dataclass(frozen=True, slots=True)
class WallPromptView:
    """One wall and prompt, with the length of its bar in per cent of the longest; 0 where it has none."""

    row: WallRow
    colour: str
    bar_pct: float


@dataclass(frozen=True, slots=True)
class WallView:
    """One wall: a row a prompt, and its pictures that are not among the worst of all, worst first."""

    name: str
    rows: tuple[WallPromptView, ...]
    more: tuple[PhotoView, ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """The whole page."""

    report: Report
    walls: tuple[WallView, ...]
    worst: tuple[PhotoView, ...]
    uncounted: tuple[PhotoView, ...]
    duplicates: tuple[PhotoView, ...]
    photos: int
    photos_counted: int
    longest_bar_pct: float
    duration: dt.timedelta | None


def view(report: Report, pictures: Mapping[UUID, str]) -> ReportView:
    """Work out the page. `pictures` are paths beside the report, or data URIs, by photo id."""
    ranking = sought(report.run.prompts)
    photos = _photos(report, pictures, ranking)
    shown = sorted((photo for photo in photos if photo.is_shown), key=_worst_first)
    worst = tuple(shown[:WORST_PHOTOS])
    more = [photo for photo in shown[WORST_PHOTOS:] if photo.picture]
    longest = max((row.coverage_pct or 0.0 for row in report.walls if row.prompt in ranking), default=0.0)
    once = [next(rows) for _, rows in groupby(report.walls, key=lambda row: row.wall_id)]
    run = report.run
    return ReportView(
        report=report,
        walls=_walls(report, more, longest, ranking),
        worst=worst,
        uncounted=tuple(p for p in photos if p.first.status in STATUS_WORDS and not p.is_copy),
        duplicates=tuple(photo for photo in photos if photo.is_copy),
        photos=len(photos) or sum(row.photos for row in once),
        photos_counted=sum(row.photos_counted for row in once),
        longest_bar_pct=longest,
        duration=run.ended_at - run.started_at if run.ended_at and run.started_at else None,
    )


def _worst_first(photo: PhotoView) -> tuple[float, str]:
    return -photo.worst_pct, photo.first.photo


def _photos(report: Report, pictures: Mapping[UUID, str], ranking: frozenset[str]) -> list[PhotoView]:
    views = []
    for photo_id, group in groupby(report.photos, key=lambda row: row.photo_id):
        rows = tuple(group)
        findings = tuple(_finding(row, report.run.prompts, row.prompt in ranking) for row in rows)
        views.append(PhotoView(rows[0], findings, url(pictures.get(photo_id))))
    return views


def _finding(row: PhotoRow, prompts: list[str], is_ranked: bool) -> Finding:
    colour = prompt_colour(prompts.index(row.prompt))
    return Finding(row.prompt, colour, row.coverage_pct, is_ranked, url(row.mask), photo_notes(row))


def _walls(
    report: Report, more: list[PhotoView], longest: float, ranking: frozenset[str]
) -> tuple[WallView, ...]:
    """All walls; `longest` is the coverage in per cent that the longest bar stands for."""

    def wall_prompt(row: WallRow) -> WallPromptView:
        has_bar = longest and row.prompt in ranking
        bar_pct = 100.0 * (row.coverage_pct or 0.0) / longest if has_bar else 0.0
        return WallPromptView(row, prompt_colour(report.run.prompts.index(row.prompt)), bar_pct)

    return tuple(
        WallView(
            name=rows[0].wall,
            rows=tuple(wall_prompt(row) for row in rows),
            more=tuple(photo for photo in more if photo.first.wall == rows[0].wall),
        )
        for rows in (tuple(group) for _, group in groupby(report.walls, key=lambda row: row.wall_id))
    )


def url(path: str | None) -> str | None:
    """A relative path as a URL, its every special character encoded; image data URIs stay as they are."""
    if path is None or path.startswith("data:image/"):
        return path
    return quote(path, safe="/")
