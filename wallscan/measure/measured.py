"""One probability map in, one mask and its numbers out: gate, post-processing, measuring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError
from wallscan.measure.founding import Founding, founding_mask
from wallscan.measure.numbers import Numbers, numbers
from wallscan.measure.presence import presence_score


@dataclass(frozen=True, slots=True)
class Measured:
    """A mask (height_px, width_px), uint8 0 or 255, at the photo's own upright size, and its numbers."""

    mask: NDArray[np.uint8]
    numbers: Numbers


def measured(
    probabilities: NDArray[np.float32],
    *,
    height_px: int,
    width_px: int,
    gate: float,
    postprocess: Mapping[str, Any],
    view_cells: int | None = None,
) -> Measured:
    """The mask and numbers of a probability map (h, w) for a photo of the given upright size.

    `gate` is the prompt's presence gate from the model's manifest: below it the mask is empty, for Otsu
    alone always finds something. `postprocess` is the run's, as recorded on it; `founding` is known.
    `view_cells` is that of `presence_score`. Kernels of the post-processing are in cells of the map, so on
    a map of tiles they are as fine as what the tiles show.
    Raises InferenceError `inference_not_finite` (NaN or infinity in the map) or `inference_failed` (values
    outside [0, 1]), and pydantic's ValidationError where `postprocess` is no known pipeline.
    """
    parameters = Founding.model_validate(dict(postprocess))
    _check(probabilities)
    presence = presence_score(probabilities, view_cells)
    if presence < gate:
        mask, threshold = np.zeros((height_px, width_px), np.uint8), None
    else:
        mask, threshold = founding_mask(probabilities, height_px, width_px, parameters)
    return Measured(mask, numbers(mask, probabilities, presence, threshold))


def _check(probabilities: NDArray[np.float32]) -> None:
    if not np.isfinite(probabilities).all():
        raise InferenceError(Code.INFERENCE_NOT_FINITE, "the model answered NaN or infinity")
    if probabilities.min() < 0.0 or probabilities.max() > 1.0:
        raise InferenceError(Code.INFERENCE_FAILED, "the model answered values outside [0, 1]")
