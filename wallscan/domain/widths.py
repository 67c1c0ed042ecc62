"""Bands of crack widths: guidance for a first sorting, never a judgement of the building.

After BRE Digest 251, "Assessment of damage in low-rise buildings", whose table goes back to Burland,
Broms and de Mello, "Behaviour of foundations and structures", 1977. Width is only one of its signs: the
digest asks for number, pattern and movement, too, and for a person who has seen the wall.
"""

from bisect import bisect_left
from dataclasses import dataclass

_UPPER_MM = (0.1, 1.0, 5.0, 15.0, 25.0)
RESOLVED_CELLS = 3.0
"""A width of fewer pixels than this, of the photo or of the network's map, is at the resolution limit."""


@dataclass(frozen=True, slots=True)
class WidthBand:
    """A band of widths and what the guidance says of it."""

    number: int
    widths: str
    guidance: str


WIDTH_BANDS = (
    WidthBand(0, "up to 0.1 mm", "hairline, negligible"),
    WidthBand(1, "up to 1 mm", "fine: usually dealt with when redecorating"),
    WidthBand(2, "up to 5 mm", "easily filled; redecoration probably required"),
    WidthBand(3, "5 to 15 mm", "may need opening up and patching by a mason"),
    WidthBand(4, "15 to 25 mm", "may need extensive repair"),
    WidthBand(5, "over 25 mm", "may be structural: have it looked at by an engineer"),
)


def width_band(width_mm: float) -> int:
    """The number, 0 to 5, of the band that a crack's greatest width lies in."""
    return bisect_left(_UPPER_MM, width_mm)
