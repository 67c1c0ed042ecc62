"""How often a model claims what is not there: wrong prompts on photos, right ones on clean squares."""

from collections.abc import Callable, Sequence
from typing import Any

from trainer.evaluation.intervals import clustered_interval
from trainer.evaluation.judge import Negative, Verdict
from trainer.evaluation.tables import ALL, SEED, interval
from trainer.evaluation.ways import WAYS

UNRELATED = "unrelated"


def wrong_prompts(verdict: Verdict) -> dict[str, Any]:
    """Share of photos on which a prompt for what is not there marks more than a speck.

    By the wrong family's first phrase, over both families, and for the unrelated prompt; and by every phrase.
    """
    whole = [one for one in verdict.negatives if one.square is None]
    first = [one for one in whole if one.is_first and one.family is not None]
    families = sorted({one.family for one in first if one.family is not None})
    kinds: dict[str, list[Negative]] = {
        family: [one for one in first if one.family == family] for family in families
    }
    kinds |= {ALL: first, UNRELATED: [one for one in whole if one.family is None]}
    phrases = sorted({(one.family, one.prompt) for one in whole if one.family is not None})
    return {name: _fired(members) for name, members in kinds.items() if members} | {
        "by_phrase": {
            phrase: _shares([one for one in whole if one.prompt == phrase and one.family is not None])
            for _, phrase in phrases
        }
    }


def false_alarms(verdict: Verdict) -> dict[str, Any]:
    """Share of squares without the family that raise an alarm, by family and by what else the photo shows."""
    squares = [one for one in verdict.negatives if one.square is not None]
    sources: dict[str, Callable[[Negative], bool]] = {
        ALL: lambda _: True,
        "beside_it": lambda one: one.has_family,
        "elsewhere": lambda one: not one.has_family,
    }
    table: dict[str, Any] = {}
    for family in sorted({one.family for one in squares if one.family is not None}):
        own = [one for one in squares if one.family == family]
        parts = {name: [one for one in own if chosen(one)] for name, chosen in sources.items()}
        table[family] = {name: _fired(members) for name, members in parts.items() if members}
    return table


def _fired(negatives: Sequence[Negative]) -> dict[str, Any]:
    groups = [one.group for one in negatives]
    return {
        "asked": len(negatives),
        "photos": len({one.image for one in negatives}),
        **{
            way: interval(clustered_interval([one.fired(way) for one in negatives], groups, seed=SEED))
            for way in WAYS
        },
    }


def _shares(negatives: Sequence[Negative]) -> dict[str, float]:
    return {way: round(sum(one.fired(way) for one in negatives) / len(negatives), 4) for way in WAYS}
