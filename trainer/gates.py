"""Fitting presence gates: where the scores of walls without the thing end and those with it begin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LOWEST_GATE = 0.05
LOWEST_UNKNOWN_GATE = 0.1
UNKNOWN_QUANTILE = 0.99
MISS_WEIGHT = 2.0
"""A crack that is passed over costs the inspector more than a look at one that is none."""
EQUALLY_GOOD = 0.02
"""Levels whose gain is this near to the best are told apart by chance: about two photos of a hundred."""


@dataclass(frozen=True, slots=True)
class FittedGate:
    """A gate and what it does on the data it was fitted on (shares of maps).

    `passed_with` is None where no map had the thing: none was measured.
    """

    presence: float
    passed_with: float | None
    passed_without: float


def separate(with_it: Sequence[float], without: Sequence[float]) -> FittedGate:
    """The gate with the highest `MISS_WEIGHT` x share passed with the thing - share passed without it.

    Not under `LOWEST_GATE`; of levels that are `EQUALLY_GOOD` the middle: the lowest lets the loudest clean
    wall just not pass, the highest the faintest of what may be sixteen photos just pass, and both kinds have
    others like them.
    """
    levels = np.arange(LOWEST_GATE, 0.991, 0.01)
    present, absent = np.asarray(with_it), np.asarray(without)
    passed = np.array([(present >= level).mean() for level in levels])
    false = np.array([(absent >= level).mean() for level in levels])
    gain = MISS_WEIGHT * passed - false
    good = np.flatnonzero(gain >= gain.max() - EQUALLY_GOOD)
    index = int(good[len(good) // 2])
    rounded = (round(float(value[index]), 4) for value in (levels, passed, false))
    return FittedGate(*rounded)


def silence(without: Sequence[float]) -> FittedGate:
    """The gate that all but one of a hundred maps of what is not there stay under, for unknown prompts.

    Not under `LOWEST_UNKNOWN_GATE`.
    """
    absent = np.asarray(without)
    gate = round(max(LOWEST_UNKNOWN_GATE, float(np.quantile(absent, UNKNOWN_QUANTILE))), 3)
    return FittedGate(gate, None, round(float((absent >= gate).mean()), 4))
