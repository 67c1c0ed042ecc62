"""The report as one HTML page: no script, nothing from the network, fit for screen and paper."""

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined

from wallscan.report.lengths import NOTHING, percent, wall_band, wall_extent, wall_width
from wallscan.report.view import STATUS_WORDS, view
from wallscan.wire.report import Report


def html_report(report: Report, pictures: Mapping[UUID, str] | None = None) -> bytes:
    """A self-contained UTF-8 page; whatever names hold is shown as text, never run.

    `pictures` are the images of photos by photo id: paths relative to the page, or `data:image/` URIs.
    """
    environment = Environment(
        loader=PackageLoader("wallscan.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"pct": percent, "moment": moment, "duration": duration}
    environment.filters |= {"wall_extent": wall_extent, "wall_width": wall_width, "wall_band": wall_band}
    page = environment.get_template("report.html")
    return page.render(view=view(report, pictures or {}), status_words=STATUS_WORDS).encode()


def moment(value: dt.datetime | None) -> str:
    """A time in UTC, to the minute."""
    if value is None:
        return NOTHING
    utc = value.astimezone(dt.UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def duration(value: dt.timedelta | None) -> str:
    """A duration in hours, minutes and seconds, without leading zeros."""
    if value is None:
        return NOTHING
    minutes, seconds = divmod(max(0, round(value.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
