"""Post-processing pipelines by name and version, with the parameters that a new run records."""

from collections.abc import Mapping
from types import MappingProxyType

FOUNDING: Mapping[str, str | int] = MappingProxyType(
    {
        "name": "founding",
        "version": 1,
        "denoise": "gaussian",  # or "bilateral", which keeps edges
        "denoise_px": 3,
        "opening_px": 3,
        "closing_px": 3,
    }
)
"""Denoise, Otsu, opening, closing, behind the presence gate that the model's manifest gives each prompt.

Sizes are sides of square kernels, odd, in pixels of the probability map: 3 on a 352-pixel map is 5 on a
640-pixel photo, and about 34 on one that is 4,000 pixels wide.
"""
