"""Post-processing pipelines by name and version, with the parameters that a new run records."""

from collections.abc import Mapping
from types import MappingProxyType

FOUNDING: Mapping[str, str | int | float] = MappingProxyType(
    {
        "name": "founding",
        "version": 1,
        "denoise": "gaussian",
        "denoise_px": 5,  # side of the square kernel, odd
        "opening_px": 3,
        "closing_px": 5,
        "presence_min": 0.5,  # below this presence the mask is empty: Otsu alone always finds something
        "threshold_min": 0.3,  # Otsu's threshold is held inside this band of probabilities
        "threshold_max": 0.7,
    }
)
"""Denoise, Otsu, opening, closing, behind a presence guard. Sizes are in pixels of the probability map."""
