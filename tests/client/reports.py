"""Reports made by hand."""

import datetime as dt
import uuid
from typing import Any

from wallscan.domain.looks import DEFAULT_LOOK
from wallscan.wire.report import PhotoRow, Report, RunFacts, WallRow

NOTHING: dict[str, Any] = dict.fromkeys(PhotoRow.model_fields)


def photo_row(photo: str, prompt: str = "crack", **facts: Any) -> PhotoRow:
    known = {
        "photo_id": uuid.uuid5(uuid.NAMESPACE_URL, photo),
        "photo": photo,
        "prompt": prompt,
        "status": "succeeded",
    }
    return PhotoRow(**(NOTHING | known | {"wall": photo.partition("/")[0]} | facts))


def wall_row(wall: str, prompt: str, **facts: Any) -> WallRow:
    known: dict[str, Any] = dict.fromkeys(WallRow.model_fields, 0)
    known |= {"wall_id": uuid.uuid5(uuid.NAMESPACE_URL, wall), "wall": wall, "prompt": prompt}
    known |= {"basis": "photo", "coverage_pct": None, "max_photo_coverage_pct": None, "worst_photo": None}
    return WallRow(**(known | facts))


def report(photos: list[PhotoRow], walls: list[WallRow] | None = None, **facts: Any) -> Report:
    run = RunFacts(
        run_id=uuid.UUID(int=1),
        state="succeeded",
        model="wallscan/starter",
        model_digest="0" * 64,
        prompts=["crack", "drywall joint"],
        postprocess={},
        look=DEFAULT_LOOK,
        created_at=dt.datetime(2026, 5, 4, tzinfo=dt.UTC),
        started_at=None,
        ended_at=None,
    )
    known: dict[str, Any] = {"site": "Site", "inspection": "May", "run": run, "rejected": 0}
    ids = {"site_id": uuid.UUID(int=2), "inspection_id": uuid.UUID(int=3)}
    return Report(**(known | ids | {"walls": walls or [], "photos": photos} | facts))
