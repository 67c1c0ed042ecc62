"""The colours of prompts: the same in overlays and in reports."""

PALETTE = ("#e6004c", "#0072ff", "#ff9d00", "#00a878", "#9b2dff", "#00b7d8")
"""Colours of a run's prompts in their order: far from walls, told apart by most eyes."""


def prompt_colour(index: int) -> str:
    """The colour of the prompt at `index` as `#rrggbb`; after the last colour comes the first."""
    return PALETTE[index % len(PALETTE)]
