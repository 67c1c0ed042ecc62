"""Bootstrap intervals that know that photos come in groups.

Photos of one source are no independent evidence: whole groups are drawn with replacement (the cluster
bootstrap; Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8), and the
interval lies between percentiles of the statistic over the draws. With a single group it has no width and
means nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
Statistic = Callable[[Numbers], Numbers]
"""From totals (draws, columns) to one value per draw (draws,)."""

LEVEL = 0.95
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic of all the data (`mean`), and the bounds of its bootstrap interval."""

    mean: float
    low: float
    high: float


def clustered_interval(
    values: ArrayLike, groups: Sequence[str], *, seed: int, level: float = LEVEL, draws: int = DRAWS
) -> Interval:
    """The mean of values (N,), each of which belongs to one of `groups` (N,).

    Raises ValueError where there is no value, or the lengths differ.
    """
    plain = np.asarray(values, np.float64)
    columns = np.stack((plain, np.ones_like(plain)), axis=-1)
    return clustered_statistic(columns, groups, ratio_of_totals, seed=seed, level=level, draws=draws)


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    groups: Sequence[str],
    *,
    seed: int,
    level: float = LEVEL,
    draws: int = DRAWS,
) -> Interval:
    """The mean of a - b, values (N,) measured on the same photos. Raises as `clustered_interval`."""
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return clustered_interval(difference, groups, seed=seed, level=level, draws=draws)


def clustered_statistic(
    columns: ArrayLike,
    groups: Sequence[str],
    statistic: Statistic,
    *,
    seed: int,
    level: float = LEVEL,
    draws: int = DRAWS,
) -> Interval:
    """A statistic of the column totals of counts (N, columns), such as a pooled IoU.

    Raises ValueError where there is no row, or the lengths differ.
    """
    rows = np.asarray(columns, np.float64)
    if not len(rows) or len(rows) != len(groups):
        raise ValueError(f"{len(rows)} values with {len(groups)} groups")
    names, member_of = np.unique(np.asarray(groups), return_inverse=True)
    totals = np.zeros((len(names), rows.shape[1]))
    np.add.at(totals, member_of, rows)
    drawn = statistic(_times_drawn(len(names), draws, seed) @ totals)
    low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(statistic(totals.sum(axis=0, keepdims=True))[0]), float(low), float(high))


def ratio_of_totals(totals: Numbers) -> Numbers:
    """First column over second, (draws,); 1 where the second is 0, as in `metrics.ratio`."""
    part, whole = totals[:, 0], totals[:, 1]
    return np.divide(part, whole, out=np.ones_like(part), where=whole != 0)


@lru_cache(maxsize=8)
def _times_drawn(groups: int, draws: int, seed: int) -> Numbers:
    """How often each group is in each draw, (draws, groups). Kept, for every metric of a table asks."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(np.float64)
