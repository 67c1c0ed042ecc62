"""Fitting presence gates: where the scores of walls without the thing end and those with it begin."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data import Sample, load_rgb
from trainer.evaluation.judge import FAMILY_PROMPTS, UNKNOWN_PROMPT
from trainer.render import render
from wallscan.measure.presence import presence_score
from wallscan.segment.engine import Engine

RENDERED_WALLS = 40
RENDERED_SIZE = 640
FURNITURE_SHARE = 0.5
LOWEST_GATE = 0.1
LOWEST_UNKNOWN_GATE = 0.3
UNKNOWN_QUANTILE = 0.99
MISS_WEIGHT = 2.0
"""A crack that is passed over costs the inspector more than a look at one that is none."""


@dataclass(frozen=True, slots=True)
class FittedGate:
    """A gate and what it does on the data it was fitted on (shares of maps)."""

    presence: float
    passed_with: float
    passed_without: float


def fit_gates(engine: Engine, held_out: Sequence[Sample], seed: int) -> dict[str, FittedGate]:
    """A gate per family, and one under the name of the unknown prompt for all other prompts.

    Fitted on photos held out of training and on rendered walls, cracked and clean.
    """
    with_it: dict[str, list[float]] = {prompt: [] for prompt in (*FAMILY_PROMPTS, UNKNOWN_PROMPT)}
    without: dict[str, list[float]] = {prompt: [] for prompt in with_it}
    rng = random.Random(seed)
    frames: list[tuple[Any, str | None]] = [
        (load_rgb(sample.image), sample.families[0]) for sample in held_out
    ]
    for family in ("crack", None):
        walls = (render(family, RENDERED_SIZE, rng, FURNITURE_SHARE)[0] for _ in range(RENDERED_WALLS))
        frames += [(wall, family) for wall in walls]
    for image, family in frames:
        for prompt, probability in zip(with_it, engine.probabilities(image, tuple(with_it)), strict=True):
            (with_it if prompt == family else without)[prompt].append(presence_score(probability))
    gates = {prompt: separate(with_it[prompt], without[prompt]) for prompt in FAMILY_PROMPTS}
    unknown = max(LOWEST_UNKNOWN_GATE, float(np.quantile(without[UNKNOWN_PROMPT], UNKNOWN_QUANTILE)))
    gates[UNKNOWN_PROMPT] = FittedGate(round(unknown, 3), 0.0, 1 - UNKNOWN_QUANTILE)
    return gates


def separate(with_it: Sequence[float], without: Sequence[float]) -> FittedGate:
    """The gate with the highest `MISS_WEIGHT` x share passed with the thing - share passed without it.

    Not under `LOWEST_GATE`; of equally good levels the middle one.
    """
    levels = np.arange(LOWEST_GATE, 0.991, 0.01)
    present, absent = np.asarray(with_it), np.asarray(without)
    passed = np.array([(present >= level).mean() for level in levels])
    false = np.array([(absent >= level).mean() for level in levels])
    gain = MISS_WEIGHT * passed - false
    best = np.flatnonzero(np.isclose(gain, gain.max()))
    index = int(best[len(best) // 2])
    rounded = (round(float(value[index]), 4) for value in (levels, passed, false))
    return FittedGate(*rounded)
