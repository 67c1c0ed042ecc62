"""Sheets of examples for the model card: the best, the middling and the worst photos of a family."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from trainer.data import Sample, load_rgb
from trainer.evaluation.judge import Judged
from trainer.evaluation.metrics import Mask
from trainer.evaluation.ways import PIPELINES, RAW, masks
from wallscan.domain.prompts import slug
from wallscan.segment.engine import Engine

Pixels = NDArray[np.uint8]

OF_EACH_KIND = 3
CELL_PX = 240
GAP_PX = 6
LINE_PX = 20
TEXT_PX = 13
TINT = 0.6
RIGHT, MISSED, FALSE = (0, 168, 120), (0, 114, 255), (230, 0, 76)
LEGEND = "green: right   blue: missed   red: marked, but not in the label"
SHOWN = (RAW, list(PIPELINES)[-1])


def write_sheets(
    engine: Engine, samples: Iterable[Sample], judged: Iterable[Judged], folder: Path
) -> dict[str, Path]:
    """A PNG per family in `folder` (made if need be), named after the family; their paths by family."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = {
        (sample.group, sample.image.name, family): sample for sample in samples for family in sample.shapes
    }
    rows = list(judged)
    paths = {}
    for family in sorted({one.family for one in rows}):
        chosen = examples([one for one in rows if one.family == family])
        strips = [_heading()]
        for kind, one in chosen:
            strips.append(_strip(engine, photos[one.group, one.image, family], one, kind))
        paths[family] = folder / f"{slug(family)}.png"
        Image.fromarray(np.concatenate(strips)).save(paths[family], optimize=True)
    return paths


def examples(judged: Sequence[Judged]) -> list[tuple[str, Judged]]:
    """(kind, row): the best, the middling and the worst by raw IoU; each photo once, best first."""
    ranked = sorted(judged, key=lambda one: (-one.scores[RAW].overlap.iou, one.image))
    middle = max(0, len(ranked) // 2 - OF_EACH_KIND // 2)
    starts: Mapping[str, int] = {
        "best": 0,
        "median": middle,
        "worst": max(0, len(ranked) - OF_EACH_KIND),
    }
    chosen: dict[int, str] = {}
    for kind, start in starts.items():
        for index in range(start, min(start + OF_EACH_KIND, len(ranked))):
            chosen.setdefault(index, kind)
    return [(chosen[index], ranked[index]) for index in sorted(chosen)]


def compared(image: Pixels, mask: Mask, truth: Mask) -> Pixels:
    """The photo (H, W, 3) uint8 with what was marked rightly, missed and marked falsely in three colours."""
    canvas = image.astype(np.float32)
    for area, colour in ((mask & truth, RIGHT), (truth & ~mask, MISSED), (mask & ~truth, FALSE)):
        canvas[area] += TINT * (np.array(colour, np.float32) - canvas[area])
    return np.rint(canvas).astype(np.uint8)


def _strip(engine: Engine, sample: Sample, one: Judged, kind: str) -> Pixels:
    """A line of text over photo, truth, raw and post-processed mask."""
    image = load_rgb(sample.image)
    height, width = image.shape[:2]
    truth = sample.truth(one.family, height, width) > 0
    probability = engine.probabilities(image, (one.prompt,))[0]
    found = masks(engine.manifest, one.prompt, probability, height, width)
    views = [image, compared(image, truth, truth), *(compared(image, found[way], truth) for way in SHOWN)]
    scores = "   ".join(f"{way} IoU {one.scores[way].overlap.iou:.2f}" for way in SHOWN)
    return np.concatenate((_text(f"{kind}   {scores}   {one.image[:40]}"), _row(views)))


def _heading() -> Pixels:
    return _text(f"photo | label | {' | '.join(SHOWN)}      {LEGEND}")


def _row(views: Sequence[Pixels]) -> Pixels:
    """Views side by side in square cells, white round those that are not square."""
    row = np.full((CELL_PX + GAP_PX, len(views) * (CELL_PX + GAP_PX), 3), 255, np.uint8)
    for index, view in enumerate(views):
        scale = CELL_PX / max(view.shape)
        size = (max(1, round(view.shape[1] * scale)), max(1, round(view.shape[0] * scale)))
        small = cv2.resize(view, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
        left = index * (CELL_PX + GAP_PX)
        row[: size[1], left : left + size[0]] = small
    return row


def _text(line: str) -> Pixels:
    """A line of black text on white, as wide as a row of views."""
    width = (2 + len(SHOWN)) * (CELL_PX + GAP_PX)
    strip = Image.new("RGB", (width, LINE_PX), "white")
    ImageDraw.Draw(strip).text((2, 2), line, fill="black", font=ImageFont.load_default(TEXT_PX))
    return np.asarray(strip, np.uint8)
