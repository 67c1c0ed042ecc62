"""How closely a photo is looked at: the whole at once, in tiles, or in tiles where there is reason to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

FINEST_MM = 1.0
"""What one input pixel of a whole photo may cover at most for `auto` to do without tiles: a known scale."""


SQUARE_SHARE = 3 / 64
"""Side of a square that neither dot nor crack fills, as a share of the side of one view: 24 cells of 512."""


class Detail(StrEnum):
    """What a run asks for. The network's input holds the whole photo at detail 1, a twelfth of its area at 2
    (20 overlapping tiles for 4:3) and a 27th at 3 (42 tiles), where the whole photo is looked at as well.
    """

    WHOLE = "1"
    TILES = "2"
    FINE_TILES = "3"
    ADAPTIVE = "adaptive"
    """The tiles of 2, but only those that are likely to show more, by the whole photo and its fine lines."""
    AUTO = "auto"
    """By the photo: ADAPTIVE where that shows more than the whole photo does, else WHOLE."""


DEFAULT_DETAIL = Detail.WHOLE
"""See docs/tiles.md for why."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a run looks at its photos. With `flip` every view is seen mirrored as well and averaged."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # where it is a part of a request

    detail: Detail = DEFAULT_DETAIL
    flip: bool = False


DEFAULT_LOOK = Look()


def settled(long_px: int, input_px: int, mm_per_px: float | None = None) -> Detail:
    """What AUTO is for a photo whose longer side has `long_px`.

    It stays with the whole photo where the network's input of `input_px` already shows it at half its size
    or more, and where, by a known scale, an input pixel covers at most `FINEST_MM`.
    """
    fine = mm_per_px is not None and mm_per_px * long_px / input_px <= FINEST_MM
    return Detail.WHOLE if fine or long_px <= 2 * input_px else Detail.ADAPTIVE
