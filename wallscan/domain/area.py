"""What coverage is a share of."""

from collections.abc import Sequence
from enum import StrEnum

WALL_PROMPTS = frozenset({"wall", "the wall", "a wall", "wall surface"})
"""Prompts, in lower case, whose answer is the wall itself."""


class Basis(StrEnum):
    """The pixels that coverage is a share of. Values are part of the public contract."""

    PHOTO = "photo"  # all of the photo
    WALL_POLYGON = "wall_polygon"  # what lies in the polygon given for the photo
    WALL_PROMPT = "wall_prompt"  # what the run's wall prompt found, gaps closed


def wall_prompt(prompts: Sequence[str]) -> int | None:
    """The place of the first prompt that asks for the wall itself."""
    return next((place for place, prompt in enumerate(prompts) if prompt.lower() in WALL_PROMPTS), None)


def sought(prompts: Sequence[str]) -> frozenset[str]:
    """The prompts that photos are ranked by: all but those for the wall itself, where there are others.

    A wall fills most of each of its photos: no crack would come near it.
    """
    others = frozenset(prompt for prompt in prompts if prompt.lower() not in WALL_PROMPTS)
    return others or frozenset(prompts)
