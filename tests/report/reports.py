"""Reports to write: made by hand, with every status and the names that break careless writers."""

import datetime as dt
import uuid

from wallscan.domain.looks import Detail, Look
from wallscan.wire.report import PhotoRow, Report, RowStatus, RunFacts, WallRow

PROMPTS = ["crack", "drywall joint"]
HOSTILE = '<script>alert("x")</script>'
FORMULA = '=HYPERLINK("http://example.org";"open")'
PX = 12_000_000


def name_id(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


def photo(
    path: str, status: RowStatus = "succeeded", shares: tuple[float, float] = (0.0, 0.0), **fields: object
) -> list[PhotoRow]:
    """A row a prompt; coverage only where there is a result."""
    has_result = status in ("succeeded", "duplicate")
    rows = []
    for prompt, share in zip(PROMPTS, shares, strict=True):
        values: dict[str, object] = dict.fromkeys(PhotoRow.model_fields)
        values |= {
            "photo_id": name_id(path),
            "wall": path.split("/", maxsplit=1)[0],
            "photo": path,
            "prompt": prompt,
            "status": status,
        }
        if has_result:
            values |= {
                "coverage_pct": share,
                "foreground_px": round(share * PX / 100),
                "analysed_px": PX,
                "width_px": 4000,
                "height_px": 3000,
                "presence": 0.9,
                "threshold": 0.41,
                "components": 3,
                "max_probability": 0.97,
                "mask_sha256": "ab" * 32,
                "mask": f"masks/{path}.{prompt.replace(' ', '-')}.png",
            }
        rows.append(PhotoRow.model_validate(values | fields))
    return rows


def wall(
    name: str, shares: tuple[float, ...], photos: int = 4, counted: int = 4, **fields: object
) -> list[WallRow]:
    values = {
        "wall_id": name_id(name),
        "wall": name,
        "photos": photos,
        "photos_counted": counted,
        "photos_failed": photos - counted,
        "photos_duplicate": 0,
        "photos_pending": 0,
    }
    rows = []
    for prompt, share in zip(PROMPTS, shares, strict=True):
        found = {
            "prompt": prompt,
            "photos_with_finding": counted if share else 0,
            "foreground_px": round(share * PX * counted / 100),
            "analysed_px": PX * counted,
            "coverage_pct": share if counted else None,
            "max_photo_coverage_pct": share * 1.7 if counted else None,
            "worst_photo": f"{name}/1.jpg" if counted else None,
        }
        rows.append(WallRow.model_validate(values | found | fields))
    return rows


def report(walls: list[WallRow], photos: list[PhotoRow], **fields: object) -> Report:
    ended = dt.datetime(2026, 3, 4, 15, 9, 30, tzinfo=dt.UTC)
    run = RunFacts(
        run_id=name_id("run"),
        state="succeeded",
        model="starter",
        model_digest="5f" * 32,
        prompts=PROMPTS,
        postprocess={"name": "founding", "version": 1, "denoise": "gaussian", "denoise_px": 3},
        runtimes=["openvino 2026.4 on a processor in f32", "torch 2.13 on cuda in f32"],
        look=Look(Detail.ADAPTIVE, flip=True),
        created_at=ended - dt.timedelta(minutes=3),
        started_at=ended - dt.timedelta(seconds=125),
        ended_at=ended,
    )
    values = {
        "site_id": name_id("site"),
        "site": "Elm Street 12",
        "inspection_id": name_id("inspection"),
        "inspection": "2026-03-04",
        "run": run,
        "walls": walls,
        "photos": photos,
        "rejected": 0,
    }
    return Report.model_validate(values | fields)


def every_case() -> Report:
    """Two walls, hostile and unicode names, and one photo of every status."""
    walls = [*wall(HOSTILE, (2.5, 0.004)), *wall("küche 厨房", (0.0, 41.25), photos=9, counted=1)]
    photos = [
        *photo(f"{HOSTILE}/1.jpg", shares=(4.25, 0.0)),
        *photo("küche 厨房/#1 50%?.jpg", shares=(0.004, 70.125)),
        *photo(
            f"{FORMULA}.jpg", "failed", wall="küche 厨房", code="photo_corrupt", detail="the pixels, cannot"
        ),
        *photo("küche 厨房/r.jpg", "rejected", wall=None, code="photo_empty", detail="zero\nbytes"),
        *photo("küche 厨房/u.jpg", "not_uploaded", code="photo_not_uploaded"),
        *photo("küche 厨房/c.jpg", "cancelled"),
        *photo("küche 厨房/q.jpg", "queued"),
        *photo("küche 厨房/w.jpg", "running"),
        *photo("küche 厨房/l.jpg", "not_in_run"),
        *photo("küche 厨房/d.jpg", "duplicate", (4.25, 0.0), duplicate_of=f"{HOSTILE}/1.jpg"),
    ]
    return report(walls, photos, rejected=1)
