"""How near an inspection of the sample photos came to what is really on them.

`python -m samples.compare OUT` reads `OUT/report.json` and `OUT/masks/`. Exit 1 where photos are missing;
accuracy is shown, not judged: how good a model is belongs to its own evaluation.
"""

import argparse
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from wallscan.domain.coverage import PhotoCoverage, wall_coverage
from wallscan.domain.prompts import slug
from wallscan.domain.walls import wall_of
from wallscan.photos.masks import decode_mask_png, decode_rle

Pixels = npt.NDArray[np.bool_]
TRUTH = Path(__file__).parent / "truth.json"
NEAR_PX = 64
"""A mask pixel this close to a true one counts as near: 16 thousandths of a photo 4000 pixels wide."""


@dataclass(frozen=True)
class Row:
    """One photo and prompt. `iou` is 1 where both masks are empty; a share of nothing is None.

    `found` is the share of the true pixels that the mask covers, `near` the share of the mask's pixels
    that lie within `NEAR_PX` of a true one.
    """

    photo: str
    prompt: str
    true_px: int
    found_px: int
    total_px: int
    iou: float
    found: float | None
    near: float | None


@dataclass(frozen=True)
class Comparison:
    """All rows, and the photos whose result or mask is not there."""

    rows: tuple[Row, ...]
    missing: tuple[str, ...]


def compare(out: Path, truth: Mapping[str, Any]) -> Comparison:
    """Every photo and prompt of the truth that the report in `out` was asked for, against its mask."""
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    reported = {(_nfc(row["photo"]), row["prompt"]): row for row in report["photos"]}
    asked = {prompt for _, prompt in reported}
    rows, missing = [], []
    for photo, facts in truth["photos"].items():
        prompts = {prompt: known for prompt, known in facts["prompts"].items() if prompt in asked}
        if not prompts:
            missing.append(f"{photo}: no prompt whose truth is known")
        for prompt, known in prompts.items():
            true = decode_rle(known["rle"])
            file = _mask_file(out, reported.get((_nfc(photo), prompt)), photo, prompt)
            mask = decode_mask_png(file.read_bytes()) if file.is_file() else None
            if mask is not None and mask.shape == true.shape:
                rows.append(_row(photo, prompt, mask > 0, true > 0))
            else:
                missing.append(f"{photo}: no mask of the photo's size for {prompt!r}")
    return Comparison(tuple(rows), tuple(missing))


def _mask_file(out: Path, row: Mapping[str, Any] | None, photo: str, prompt: str) -> Path:
    named = (row or {}).get("mask")
    return out / (named or f"masks/{photo}.{slug(prompt)}.png")


def _row(photo: str, prompt: str, found: Pixels, true: Pixels) -> Row:
    both, either = int((found & true).sum()), int((found | true).sum())
    distance_px = cv2.distanceTransform((~true).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return Row(
        photo=photo,
        prompt=prompt,
        true_px=int(true.sum()),
        found_px=int(found.sum()),
        total_px=true.size,
        iou=both / either if either else 1.0,
        found=both / int(true.sum()) if true.any() else None,
        near=float((distance_px[found] <= NEAR_PX).mean()) if found.any() and true.any() else None,
    )


def tables(rows: Iterable[Row]) -> tuple[Table, Table]:
    """The rows a photo, and a wall."""
    by_photo = Table(title="Sample photos against the truth")
    by_wall = Table(title="Walls against the truth")
    for table, name in ((by_photo, "photo"), (by_wall, "wall")):
        table.add_column(name, overflow="fold")
        table.add_column("prompt")
        table.add_column("true %", justify="right")
        table.add_column("reported %", justify="right")
    for name in ("IoU", "found", "near"):
        by_photo.add_column(name, justify="right")
    walls: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        walls.setdefault((wall_of(row.photo), row.prompt), []).append(row)
        shares = (_share(row.iou), _share(row.found), _share(row.near))
        by_photo.add_row(row.photo, row.prompt, *_coverages([row]), *shares)
    for (wall, prompt), members in walls.items():
        by_wall.add_row(wall, prompt, *_coverages(members))
    return by_photo, by_wall


def _coverages(rows: list[Row]) -> tuple[str, str]:
    true = wall_coverage(PhotoCoverage(row.true_px, row.total_px) for row in rows)
    reported = wall_coverage(PhotoCoverage(row.found_px, row.total_px) for row in rows)
    return f"{true.coverage_pct:.3f}", f"{reported.coverage_pct:.3f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _nfc(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def main() -> int:
    """Print both tables; 1 where photos are missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder that `wallscan inspect --out` wrote")
    comparison = compare(parser.parse_args().out, json.loads(TRUTH.read_text(encoding="utf-8")))
    console = Console()
    for table in tables(comparison.rows):
        console.print(table)
    console.print(
        f"IoU: overlap with the exact pixels. found: share of them covered. "
        f"near: share of the mask within {NEAR_PX} px of them. -: nothing there to share."
    )
    for name in comparison.missing:
        console.print(f"[red]missing[/red] {name}", highlight=False)
    return 1 if comparison.missing else 0


if __name__ == "__main__":
    sys.exit(main())
