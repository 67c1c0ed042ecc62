"""A model asked about photos held out of training and about rendered walls, and all that follows from it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.calibration.counts import Seen, seen
from trainer.calibration.coverage import fit_coverage_errors
from trainer.calibration.probabilities import FittedCalibration, fit_calibration
from trainer.calibration.thresholds import FittedThreshold, fit_threshold
from trainer.data import Sample, load_rgb
from trainer.evaluation.judge import FAMILY_PROMPTS, UNKNOWN_PROMPT
from trainer.evaluation.negatives import clean_squares
from trainer.gates import FittedGate, separate, silence
from trainer.render import render
from wallscan.measure.founding import eight_bit
from wallscan.measure.presence import extent
from wallscan.models.manifest import CoverageErrors, Family
from wallscan.segment.engine import Engine

RENDERED_WALLS = 40
RENDERED_SIZE = 640
FURNITURE_SHARE = 0.5
LEAST_PHOTOS = 30
"""On fewer photos with the thing, copies of one counted as one, a threshold is fitted to chance: one half
then serves as well."""

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FittedFamily:
    """What is known about a family's maps; None where too little was held out to tell."""

    gate: FittedGate
    threshold: FittedThreshold | None = None
    calibration: FittedCalibration | None = None
    coverage_errors: CoverageErrors | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """All families, and the gate of every other prompt."""

    families: Mapping[str, FittedFamily]
    unknown: FittedGate

    @property
    def gates(self) -> dict[str, FittedGate]:
        """The gates by prompt."""
        return {name: one.gate for name, one in self.families.items()} | {UNKNOWN_PROMPT: self.unknown}


@dataclass(slots=True)
class _Observed:
    """Photos asked for a family. Rendered cracks are too clear to tell more than that they are seen."""

    photos: list[Seen] = field(default_factory=list)
    rendered: list[Seen] = field(default_factory=list)
    clean_squares: list[float] = field(default_factory=list)
    """Presence scores of the largest part of each photo that shows none of it: plaster seen from near."""

    def scores(self, *, shown: bool) -> list[float]:
        whole = [one.presence for one in (*self.photos, *self.rendered) if one.shown is shown]
        return whole if shown else [*whole, *self.clean_squares]

    def fitted(self) -> FittedFamily:
        if not self.scores(shown=True):
            return FittedFamily(silence(self.scores(shown=False)))
        gate = separate(self.scores(shown=True), self.scores(shown=False))
        shown = [photo for photo in self.photos if photo.shown]
        clean = [wall for wall in self.rendered if not wall.shown]
        if not shown:  # all that is clean would teach that nothing is ever there
            return FittedFamily(gate)
        return FittedFamily(
            gate=gate,
            threshold=fit_threshold(shown) if len({photo.group for photo in shown}) >= LEAST_PHOTOS else None,
            calibration=fit_calibration([*self.photos, *clean]),
            coverage_errors=fit_coverage_errors(self.photos, clean, gate.presence),
        )


def fit_families(engine: Engine, held_out: Sequence[Sample], seed: int) -> Fitted:
    """Gates, thresholds, calibrations and errors, from one look at each photo.

    A family that was not annotated on a photo is taken as not there; one that is unsettled is not asked.
    """
    observed = {family: _Observed() for family in FAMILY_PROMPTS}
    unknown: list[float] = []
    prompts = (*FAMILY_PROMPTS, UNKNOWN_PROMPT)
    for image, truths, group in _frames(held_out, seed):
        *maps, nothing = eight_bit(engine.probabilities(image, prompts))
        levels = dict(zip(FAMILY_PROMPTS, maps, strict=True))
        for family, truth in truths.items():
            one = observed[family]
            if group is None:
                one.rendered.append(seen(levels[family], truth))
            else:
                one.photos.append(seen(levels[family], truth, group))
                one.clean_squares.extend(_presence_of_square(engine, image, family, truth))
        unknown.append(seen(nothing, np.zeros(image.shape[:2], np.uint8)).presence)
    return Fitted({family: one.fitted() for family, one in observed.items()}, silence(unknown))


def _presence_of_square(engine: Engine, image: Image, family: str, truth: Image) -> list[float]:
    """The score of the largest square without the family, asked alone; empty where there is none."""
    parts = [square.cut(image) for square in clean_squares(truth > 0)[:1]]
    maps = (engine.probabilities(part, (family,))[0] for part in parts)
    return [extent(one, max(one.shape)) for one in maps]


def fitted_fields(fitted: Fitted, phrases: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The manifest's fields; `phrases` are the families' own."""
    thresholds = [one.threshold.threshold for one in fitted.families.values() if one.threshold]
    return {
        "families": [
            _family(name, own, fitted.families[name]).model_dump(exclude_none=True)
            for name, own in phrases.items()
        ],
        "default_presence": fitted.unknown.presence,
        "presence_by": "extent",
        "default_threshold": round(fmean(thresholds), 4) if thresholds else None,
    }


def fitted_metrics(fitted: Fitted) -> dict[str, Any]:
    """What the manifest's metrics say about it."""
    return {
        "gates": {prompt: asdict(gate) for prompt, gate in fitted.gates.items()},
        "calibration": {
            family: {
                "ece_before": one.calibration.ece_before,
                "ece_after": one.calibration.ece_after,
                "mean_iou_at_threshold": one.threshold and one.threshold.mean_iou,
            }
            for family, one in fitted.families.items()
            if one.calibration is not None
        },
    }


def _family(name: str, phrases: tuple[str, ...], fitted: FittedFamily) -> Family:
    return Family(
        name=name,
        phrases=phrases,
        presence=fitted.gate.presence,
        threshold=fitted.threshold and fitted.threshold.threshold,
        band=fitted.threshold and fitted.threshold.band,
        calibration=fitted.calibration and fitted.calibration.calibration,
        coverage_errors=fitted.coverage_errors,
    )


def _frames(held_out: Sequence[Sample], seed: int) -> Iterator[tuple[Image, dict[str, Image], str | None]]:
    """Pixels (H, W, 3), the truth (H, W) of each settled family, and the group; a rendered wall has none."""
    for sample in held_out:
        image = load_rgb(sample.image)
        settled = (family for family in FAMILY_PROMPTS if family not in sample.unsettled)
        yield image, {family: sample.truth(family, *image.shape[:2]) for family in settled}, sample.group
    rng = random.Random(seed)
    for family in ("crack", None):
        for _ in range(RENDERED_WALLS):
            image, truth = render(family, RENDERED_SIZE, rng, FURNITURE_SHARE)
            nothing = np.zeros_like(truth)
            yield image, {name: truth if name == family else nothing for name in FAMILY_PROMPTS}, None
