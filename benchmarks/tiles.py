"""`python -m benchmarks.tiles`: what a closer look finds of thin cracks, and what it costs.

Photos of several megapixels, every other one with cracks 2 to 8 px wide whose pixels are known, are looked at
in every detail. Asked are the default prompts, whose windows adaptive looks into; scored are the cracks. IoU
counts true pixels; F1 and centre line forgive what `trainer.evaluation.metrics` says. A clean photo counts 1
where nothing is marked and 0 otherwise. Where real walls are annotated, the joints' maps are scored as well,
cut at 0.5. Seconds are processor time of one thread, from the JPEG to the numbers; a view that two details
share is computed once and its time counted for both.
"""

import argparse
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.thin_cracks import ThinPhoto, thin_photos
from trainer.evaluation.metrics import GroundTruth, Overlap
from wallscan.domain.looks import Detail, Look
from wallscan.domain.pipelines import STANDARD
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.measure import measured
from wallscan.models import starter_bundle
from wallscan.models.manifest import Manifest
from wallscan.photos.decode import decode
from wallscan.segment.engine import Engine, EngineSettings, Runtime, load_engine
from wallscan.segment.tiles import Seen, decode_target_px, look_at

DETAILS = (Detail.WHOLE, Detail.TILES, Detail.FINE_TILES, Detail.ADAPTIVE)
CRACK, DRYWALL_JOINT = (DEFAULT_PROMPTS.index(prompt) for prompt in ("crack", "drywall joint"))
PICTURE_PX = 640


class Remembering:
    """An engine that computes each view of a photo once, and knows what the views asked for would cost."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, tuple[NDArray[np.float32], float]] = {}
        self.views, self.saved_s = 0, 0.0

    @property
    def manifest(self) -> Manifest:
        """See `Engine.manifest`."""
        return self._engine.manifest

    @property
    def input_px(self) -> int:
        """See `Engine.input_px`."""
        return self._engine.input_px

    @property
    def runtime(self) -> Runtime:
        """See `Engine.runtime`."""
        return self._engine.runtime

    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:
        """See `Engine.probabilities`."""
        self.views += 1
        key = hash(image.tobytes())
        if key in self._known:
            self.saved_s += self._known[key][1]
            return self._known[key][0]
        began = time.process_time()
        maps = self._engine.probabilities(image, prompts)
        self._known[key] = maps, time.process_time() - began
        return maps


@dataclass(frozen=True, slots=True)
class Outcome:
    """One photo at one detail."""

    cracked: bool
    iou: float
    f1: float
    line_iou: float
    iou_at_half: float
    joint_iou: float | None
    views: int
    seconds: float


def marked(photo: ThinPhoto, engine: Engine, detail: Detail) -> tuple[NDArray[np.bool_], Seen]:
    """The cracks' mask (H, W) of a photo at a detail, made from the JPEG as a worker does, and all maps."""
    pixels = decode(photo.jpeg, target_px=decode_target_px(detail, engine.input_px)).pixels
    seen = look_at(engine, pixels, DEFAULT_PROMPTS, Look(detail))
    height_px, width_px = photo.truth.shape
    found = [
        measured(
            one,
            height_px=height_px,
            width_px=width_px,
            gate=engine.manifest.gate_for(prompt),
            postprocess=STANDARD,
            view_cells=seen.view_cells,
        )
        for prompt, one in zip(DEFAULT_PROMPTS, seen.maps, strict=True)
    ]
    return found[CRACK].mask > 0, seen


def outcome(
    photo: ThinPhoto, truth: GroundTruth, engine: Remembering, detail: Detail
) -> tuple[Outcome, NDArray[np.bool_]]:
    """What a detail makes of a photo, and its mask."""
    engine.views, engine.saved_s = 0, 0.0
    began = time.process_time()
    mask, seen = marked(photo, engine, detail)
    seconds = time.process_time() - began + engine.saved_s
    scores = truth.scores(mask)
    return Outcome(
        cracked=bool(photo.truth.any()),
        iou=scores.overlap.iou,
        f1=scores.area.f1,
        line_iou=scores.line.iou,
        iou_at_half=_iou_at_half(seen.maps[CRACK], photo.truth),
        joint_iou=None if photo.joints is None else _iou_at_half(seen.maps[DRYWALL_JOINT], photo.joints),
        views=engine.views,
        seconds=seconds,
    ), mask


def _iou_at_half(one: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    enlarged = cv2.resize(one, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return Overlap.of(enlarged >= 0.5, truth).iou


def study(
    engine: Engine, photos: int, seed: int, walls: Path | None, pictures: Path | None
) -> dict[Detail, list[Outcome]]:
    """Outcomes by detail; a picture of each cracked photo is written to the folder `pictures`."""
    found: dict[Detail, list[Outcome]] = {detail: [] for detail in DETAILS}
    for photo in thin_photos(photos, seed, walls):
        truth, remembering = GroundTruth(photo.truth), Remembering(engine)
        masks = {}
        for detail in DETAILS:
            one, masks[detail] = outcome(photo, truth, remembering, detail)
            found[detail].append(one)
        told = "  ".join(f"{detail.value}: {found[detail][-1].iou:.3f}" for detail in DETAILS)
        print(
            f"{photo.name} {photo.truth.shape[1]} px, cracks of {photo.width_px:.1f} px: {told}", flush=True
        )
        if pictures is not None and photo.truth.any():
            cv2.imwrite(str(pictures / f"{photo.name}.png"), picture(photo, masks))
    return found


def picture(photo: ThinPhoto, masks: dict[Detail, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """The photo with its truth (green), then with what each detail marks (red), side by side."""
    image = np.ascontiguousarray(decode(photo.jpeg).pixels[:, :, ::-1])
    shown = [
        _marked(image, photo.truth, (0, 160, 0)),
        *(_marked(image, masks[one], (0, 0, 230)) for one in DETAILS),
    ]
    return np.hstack(shown)


def _marked(
    image: NDArray[np.uint8], mask: NDArray[np.bool_], colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    size = (PICTURE_PX, round(PICTURE_PX * image.shape[0] / image.shape[1]))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    alpha = np.minimum(1, 2 * share)[..., None]
    return np.asarray(small + alpha * (np.array(colour, np.float32) - small), np.uint8)


def table(found: dict[Detail, list[Outcome]], title: str) -> Table:
    """Means over the photos; IoU kept and time are relative to detail 2, over all photos."""
    shown = Table(
        "detail",
        "IoU cracked",
        "F1",
        "centre line",
        "IoU at 0.5",
        "clean silent",
        "IoU all",
        "joints at 0.5",
        "views",
        "s",
        title=title,
    )
    for detail, outcomes in found.items():
        cracked, clean = ([one for one in outcomes if one.cracked is kind] for kind in (True, False))
        values = (
            *(
                _mean([getattr(one, name) for one in cracked])
                for name in ("iou", "f1", "line_iou", "iou_at_half")
            ),
            *(_mean([one.iou for one in group]) for group in (clean, outcomes)),
            _mean([one.joint_iou for one in outcomes if one.joint_iou is not None]),
        )
        work = _mean([one.views for one in outcomes]), _mean([one.seconds for one in outcomes])
        shown.add_row(
            detail.value,
            *("-" if math.isnan(value) else f"{value:.3f}" for value in values),
            *(f"{value:.2f}" for value in work),
        )
    return shown


def summary(found: dict[Detail, list[Outcome]]) -> str:
    """The three numbers that the details are held to."""
    one, two, adaptive = (found[detail] for detail in (Detail.WHOLE, Detail.TILES, Detail.ADAPTIVE))
    gain = 100 * (
        _mean([each.iou for each in two if each.cracked]) - _mean([each.iou for each in one if each.cracked])
    )
    kept = _mean([each.iou for each in adaptive]) / _mean([each.iou for each in two])
    kept_cracked = _mean([each.iou for each in adaptive if each.cracked]) / _mean(
        [each.iou for each in two if each.cracked]
    )
    spent = _mean([each.seconds for each in adaptive]) / _mean([each.seconds for each in two])
    return (
        f"detail 2 against 1 on cracked photos: {gain:+.1f} points of IoU; adaptive keeps {kept:.1%} of the "
        f"IoU of 2 ({kept_cracked:.1%} on cracked photos alone) in {spent:.0%} of its time"
    )


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=8, help="half of them cracked")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument(
        "--walls", type=Path, help="folder of real JPEG photos without cracks; default: rendered walls"
    )
    parser.add_argument("--model", type=Path, default=starter_bundle(), help="folder of a bundle")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each cracked photo")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "wallscan" / "compiled")
    asked = parser.parse_args(arguments)
    engine = load_engine(asked.model, EngineSettings(asked.cache, precision="exact", threads=1))
    if asked.pictures is not None:
        asked.pictures.mkdir(parents=True, exist_ok=True)
    found = study(engine, asked.photos, asked.seed, asked.walls, asked.pictures)
    walls = "real walls" if asked.walls else "rendered walls"
    console = Console(width=110)
    console.print(table(found, f"{asked.photos} photos, {walls}; {engine.runtime}"))
    console.print(summary(found))


if __name__ == "__main__":
    main()
