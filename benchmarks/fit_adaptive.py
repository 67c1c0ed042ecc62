"""`python -m benchmarks.fit_adaptive`: the weights of the detector that `--detail adaptive` goes by.

Photos with thin cracks, every other one clean, on rendered walls and on real ones with joints (`--walls`),
are looked at in all windows of detail 2. A window became better if, in its core and cut at 0.5, the map with
all windows finds more true pixels than the one with none, and has a higher IoU. Printed are the logistic
regression of that on `wallscan.segment.adaptive.evidence`, and per threshold what photos that the
regression was not fitted on (one fifth at a time) keep of detail 2's IoU, in which share of its views.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from benchmarks.thin_cracks import ThinPhoto, thin_photos
from benchmarks.tiles import CRACK, JOINT
from trainer.evaluation.metrics import Overlap
from wallscan.domain.looks import Detail
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.models import starter_bundle
from wallscan.photos.decode import decode
from wallscan.segment.adaptive import evidence
from wallscan.segment.engine import Engine, EngineSettings, load_engine
from wallscan.segment.grid import Grid, Window, reduced_size
from wallscan.segment.tiles import closer, decode_target_px, resized

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
    sake), `reduced` is the photo (h, w, 3). Truths are (h, w); nobody knows the joints of rendered walls.
    """

    crack: Truth
    joints: Truth | None
    grid: Grid
    reduced: NDArray[np.uint8]
    whole: NDArray[np.float32]
    seen: Mapping[Window, NDArray[np.float16]]

    def maps(self, chosen: Sequence[Sequence[Window]]) -> NDArray[np.float32]:
        """The maps (P, h, w) where these windows were looked into, per prompt."""
        of_any = frozenset(chain.from_iterable(chosen))
        in_turn = (self.seen[window].astype(np.float32) for window in self.grid.windows if window in of_any)
        return closer(lambda _: in_turn, self.reduced, self.grid, self.whole, chosen)


def looked_at(photo: ThinPhoto, engine: Engine) -> Looked:
    """All windows of a photo, seen once."""
    pixels = decode(photo.jpeg, target_px=decode_target_px(Detail.TILES, engine.input_px)).pixels
    grid = Grid(*reduced_size(pixels.shape[0], pixels.shape[1], 2, engine.input_px), engine.input_px)
    reduced = resized(pixels, grid.height, grid.width)
    seen = {
        window: engine.probabilities(np.ascontiguousarray(reduced[window.place]), DEFAULT_PROMPTS)
        for window in grid.windows
    }
    return Looked(
        _reduced(photo.truth, grid, SHOWN),
        None if photo.joints is None else _reduced(photo.joints, grid, HALF),
        grid,
        reduced,
        engine.probabilities(pixels, DEFAULT_PROMPTS),
        {window: maps.astype(np.float16) for window, maps in seen.items()},
    )


def _reduced(truth: Truth, grid: Grid, share: float) -> Truth:
    return resized(truth.astype(np.float32), grid.height, grid.width) >= share


def examples(photo: Looked) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Evidence (N, 2) of windows, and whether each became better; of prompts whose truth is known."""
    windows = photo.grid.windows
    every, none = (photo.maps([some] * len(photo.whole)) >= HALF for some in (windows, ()))
    weighed, became = [], []
    truths = {CRACK: photo.crack, JOINT: photo.joints}
    for place, (evident, closely, whole) in enumerate(
        zip(evidence(photo.reduced, photo.whole, photo.grid), every, none, strict=True)
    ):
        if (truth := truths[place]) is not None:
            weighed.append(evident)
            became += [
                _better(truth[core.place], closely[core.place], whole[core.place], photo.grid.side)
                for core in photo.grid.cores
            ]
    return np.concatenate(weighed), np.array(became)


def _better(truth: Truth, closely: Truth, whole: Truth, side: int) -> bool:
    found = int((closely & truth).sum()) - int((whole & truth).sum())
    return found > FOUND_SHARE * side and Overlap.of(closely, truth).iou - Overlap.of(whole, truth).iou > GAIN


def fitted(photos: Sequence[Looked]) -> LogisticRegression:
    """The regression on all windows of these photos."""
    weighed, became = zip(*map(examples, photos), strict=True)
    return LogisticRegression().fit(np.concatenate(weighed), np.concatenate(became))


@dataclass(frozen=True)
class Kept:
    """IoU of a photo's cracks, and views, where only likely windows are looked into and where all are."""

    cracked: bool
    iou: float
    iou_of_2: float
    views: int
    views_of_2: int


def kept(photo: Looked, detector: LogisticRegression, threshold: float) -> Kept:
    """What a photo keeps where windows are looked into that become better with this probability."""
    weighed = evidence(photo.reduced, photo.whole, photo.grid)
    windows = photo.grid.windows
    chosen = [
        [
            window
            for window, likely in zip(windows, detector.predict_proba(own)[:, 1], strict=True)
            if likely >= threshold
        ]
        for own in weighed
    ]
    mine, all_of_them = (
        Overlap.of(photo.maps(some)[CRACK] >= HALF, photo.crack).iou
        for some in (chosen, [windows] * len(chosen))
    )
    views = 1 + len(frozenset(chain.from_iterable(chosen)))
    return Kept(bool(photo.crack.any()), mine, all_of_them, views, 1 + len(windows))


def table(photos: Sequence[Looked]) -> Table:
    """By threshold and kind of wall, over photos that were not fitted on."""
    shown = Table("likely", "walls", "IoU kept, cracked", "IoU kept, all", "views of detail 2's")
    folds = [photos[first::FOLDS] for first in range(FOLDS)]
    detectors = [fitted([photo for other in folds if other is not fold for photo in other]) for fold in folds]
    for threshold in THRESHOLDS:
        for real in (False, True):
            found = [
                kept(photo, detector, threshold)
                for fold, detector in zip(folds, detectors, strict=True)
                for photo in fold
                if (photo.joints is not None) is real
            ]
            if found:
                shown.add_row(f"{threshold}", "real" if real else "rendered", *_shares(found))
    return shown


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
    detector = fitted(photos)
    console = Console(width=110)
    console.print(table(photos))
    console.print(f"WEIGHTS {detector.coef_[0].round(3).tolist()}, BIAS {detector.intercept_[0]:.3f}")


if __name__ == "__main__":
    main()
