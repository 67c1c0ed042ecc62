"""`python -m benchmarks.fit_adaptive`: the weights of the detector that `--detail adaptive` goes by.

Photos with thin cracks, every other one clean, on rendered walls and on real ones with joints (`--walls`),
are looked at in all windows of detail 2. A window became better if, in its core and cut at 0.5, the map with
all windows finds more true pixels than the one with none, and has a higher IoU. Printed are the logistic
regression of that on `wallscan.segment.adaptive.evidence`, and per threshold what photos keep of detail 2's
IoU, in which share of its views, each by a regression on photos of other places. The model, though, may have
learnt from these walls.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from benchmarks.thin_cracks import ThinPhoto, thin_photos
from benchmarks.tiles import CRACK, DRYWALL_JOINT
from trainer.evaluation.metrics import Overlap
from wallscan.domain.looks import Detail
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.models import starter_bundle
from wallscan.photos.decode import decode
from wallscan.segment.adaptive import evidence
from wallscan.segment.engine import Engine, EngineSettings, load_engine
from wallscan.segment.grid import Grid, Window, reduced_size
from wallscan.segment.tiles import decode_target_px, resized, seen_closely

FOUND_SHARE = 1 / 16
"""True pixels that a closer look finds in a core at least, as a share of the windows' side."""
GAIN = 0.05
SHOWN = 0.3
"""A pixel of the reduced photo is crack where so much of what it covers is."""
FOLDS = 5
THRESHOLDS = (0.02, 0.03, 0.05, 0.08, 0.12)

HALF = 0.5
RENDERED_SEED, REAL_SEED = 900_003, 900_002

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Looked:
    """A photo seen whole and in each window, which is all it takes to look into any of them again.

    `whole` are the maps (P, s, s) of the whole photo, `seen` those of each window in float16 (for memory's
    sake); `evidence` is (P, windows, 2). Truths are (h, w); nobody knows the joints of rendered walls.
    """

    place: str
    crack: Truth
    joints: Truth | None
    grid: Grid
    whole: NDArray[np.float32]
    seen: Mapping[Window, NDArray[np.float16]]
    evidence: NDArray[np.float64]

    def maps(self, chosen: Sequence[Sequence[Window]]) -> NDArray[np.float32]:
        """The maps (P, h, w) where these windows were looked into, per prompt."""

        def look_into(windows: Iterable[Window]) -> Iterator[NDArray[np.float32]]:
            return (self.seen[window].astype(np.float32) for window in windows)

        return seen_closely(look_into, self.grid, self.whole, chosen)


def looked_at(photo: ThinPhoto, engine: Engine) -> Looked:
    """All windows of a photo, seen once."""
    pixels = decode(photo.jpeg, target_px=decode_target_px(Detail.TILES, engine.input_px)).pixels
    grid = Grid(*reduced_size(pixels.shape[0], pixels.shape[1], 2, engine.input_px), engine.input_px)
    reduced, whole = resized(pixels, grid.height, grid.width), engine.probabilities(pixels, DEFAULT_PROMPTS)
    windows = {window: np.ascontiguousarray(reduced[window.place]) for window in grid.windows}
    return Looked(
        photo.place,
        _reduced(photo.truth, grid, SHOWN),
        None if photo.joints is None else _reduced(photo.joints, grid, HALF),
        grid,
        whole,
        {
            window: engine.probabilities(image, DEFAULT_PROMPTS).astype(np.float16)
            for window, image in windows.items()
        },
        evidence(reduced, whole, grid),
    )


def _reduced(truth: Truth, grid: Grid, share: float) -> Truth:
    return resized(truth.astype(np.float32), grid.height, grid.width) >= share


@dataclass(frozen=True)
class Examples:
    """Evidence (N, 2) of a photo's windows, and whether each became better (N,)."""

    evidence: NDArray[np.float64]
    better: NDArray[np.bool_]


def examples(photo: Looked) -> Examples:
    """All windows of a photo, for each prompt whose truth is known."""
    every, none = (photo.maps([some] * len(photo.whole)) >= HALF for some in (photo.grid.windows, ()))
    truths = {CRACK: photo.crack, DRYWALL_JOINT: photo.joints}
    known = {place: truth for place, truth in truths.items() if truth is not None}
    became = [
        _better(truth[core.place], every[place][core.place], none[place][core.place], photo.grid.side)
        for place, truth in known.items()
        for core in photo.grid.cores
    ]
    return Examples(np.concatenate([photo.evidence[place] for place in known]), np.array(became))


def _better(truth: Truth, closely: Truth, whole: Truth, side: int) -> bool:
    found = int((closely & truth).sum()) - int((whole & truth).sum())
    return found > FOUND_SHARE * side and Overlap.of(closely, truth).iou - Overlap.of(whole, truth).iou > GAIN


def fitted(some: Sequence[Examples]) -> LogisticRegression:
    """The regression on all these windows."""
    weighed, better = (
        np.concatenate(parts) for parts in zip(*((one.evidence, one.better) for one in some), strict=True)
    )
    return LogisticRegression().fit(weighed, better)


@dataclass(frozen=True)
class Kept:
    """IoU of a photo's cracks, and views, where only likely windows are looked into and where all are."""

    cracked: bool
    iou: float
    iou_of_2: float
    views: int
    views_of_2: int


def kept(photo: Looked, detector: LogisticRegression) -> dict[float, Kept]:
    """By threshold, what a photo keeps where windows that are so likely to become better are looked into."""
    windows = photo.grid.windows
    likely = [detector.predict_proba(own)[:, 1] for own in photo.evidence]
    iou_of_2 = _crack_iou(photo, [windows] * len(likely))
    found = {}
    for threshold in THRESHOLDS:
        chosen = [
            [window for window, probability in zip(windows, own, strict=True) if probability >= threshold]
            for own in likely
        ]
        views = 1 + len(frozenset(chain.from_iterable(chosen)))
        iou = _crack_iou(photo, chosen)
        found[threshold] = Kept(bool(photo.crack.any()), iou, iou_of_2, views, 1 + len(windows))
    return found


def _crack_iou(photo: Looked, chosen: Sequence[Sequence[Window]]) -> float:
    return Overlap.of(photo.maps(chosen)[CRACK] >= HALF, photo.crack).iou


def table(photos: Sequence[Looked], learnt: Sequence[Examples]) -> Table:
    """By threshold and kind of wall; each photo by a regression on photos of other places."""
    places = [photo.place or f"rendered {number}" for number, photo in enumerate(photos)]
    judged: dict[int, dict[float, Kept]] = {}
    for others, held_out in GroupKFold(FOLDS).split(photos, groups=places):
        detector = fitted([learnt[number] for number in others])
        judged |= {number: kept(photos[number], detector) for number in held_out}
    shown = Table("likely", "walls", "IoU kept, cracked", "IoU kept, all", "views of detail 2's")
    for threshold, kind in product(THRESHOLDS, ("rendered", "real")):
        found = [one[threshold] for number, one in judged.items() if _kind(photos[number]) == kind]
        if found:
            shown.add_row(f"{threshold}", kind, *_shares(found))
    return shown


def _kind(photo: Looked) -> str:
    return "real" if photo.place else "rendered"


def _shares(found: Sequence[Kept]) -> tuple[str, str, str]:
    cracked = [one for one in found if one.cracked]
    kept_of = [sum(one.iou for one in some) / sum(one.iou_of_2 for one in some) for some in (cracked, found)]
    views = sum(one.views for one in found) / sum(one.views_of_2 for one in found)
    return f"{kept_of[0]:.1%}", f"{kept_of[1]:.1%}", f"{views:.0%}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Look, fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=80, help="on rendered walls")
    parser.add_argument("--walls", type=Path, help="folder of real JPEG photos with joints, in Pascal VOC")
    parser.add_argument("--real", type=int, default=60, help="photos on those")
    parser.add_argument("--model", type=Path, default=starter_bundle(), help="folder of a bundle")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "wallscan" / "compiled")
    asked = parser.parse_args(arguments)
    engine = load_engine(asked.model, EngineSettings(asked.cache, precision="exact", threads=1))
    sources = [thin_photos(asked.photos, RENDERED_SEED)]
    if asked.walls:
        sources.append(thin_photos(asked.real, REAL_SEED, asked.walls))
    photos = []
    for photo in chain.from_iterable(sources):
        photos.append(looked_at(photo, engine))
        print(f"{len(photos)}: {photo.name}", flush=True)
    learnt = [examples(photo) for photo in photos]
    detector, console = fitted(learnt), Console(width=110)
    console.print(table(photos, learnt))
    console.print(f"WEIGHTS {detector.coef_[0].round(3).tolist()}, BIAS {detector.intercept_[0]:.3f}")


if __name__ == "__main__":
    main()
