"""One probability map in, one mask and its numbers out: gate, post-processing, measuring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError
from wallscan.domain.pipelines import Standard, parse_pipeline
from wallscan.measure.coverage_estimate import NO_ESTIMATE, estimated_coverage
from wallscan.measure.founding import eight_bit, founding_mask
from wallscan.measure.numbers import Numbers, numbers
from wallscan.measure.presence import presence_score
from wallscan.measure.standard import standard_mask
from wallscan.models.manifest import Gate


@dataclass(frozen=True, slots=True)
class Measured:
    """A mask (height_px, width_px), uint8 0 or 255, at the photo's own upright size, and its numbers.

    `levels` is the map (h, w) in 255ths that all of it was made from: kept, it makes the same again.
    """

    mask: NDArray[np.uint8]
    numbers: Numbers
    levels: NDArray[np.uint8]


def measured(
    probabilities: NDArray[np.float32],
    *,
    height_px: int,
    width_px: int,
    gate: Gate,
    postprocess: Mapping[str, Any],
    view_cells: int | None = None,
    estimate: bool = True,
) -> Measured:
    """The mask and numbers of a probability map (h, w) for a photo of the given upright size.

    The map is rounded to 255ths first, so that a map stored in eight bits gives the same bytes. `gate` is the
    prompt's from the model's manifest: below its presence the mask is empty, for Otsu alone always finds
    something. `postprocess` is the run's, as recorded on it.
    `view_cells` is that of `presence_score`. Kernels of the post-processing are in cells of the map, so on
    a map of tiles they are as fine as what the tiles show. Without `estimate` there is no estimated coverage:
    where the map is of another kind than those that the gate's calibration was fitted on.
    Raises InferenceError `inference_not_finite` (NaN or infinity in the map) or `inference_failed` (values
    outside [0, 1]), and PipelineError `pipeline_unknown` or `pipeline_parameter_invalid`.
    """
    pipeline = parse_pipeline(postprocess)
    _check(probabilities)
    levels = eight_bit(probabilities)
    rounded = as_probabilities(levels)
    presence = presence_score(rounded, gate, view_cells)
    found = presence >= gate.presence
    if not found:
        mask, threshold = np.zeros((height_px, width_px), np.uint8), None
    elif isinstance(pipeline, Standard):
        mask, threshold = standard_mask(levels, height_px, width_px, gate, pipeline)
    else:
        mask, threshold = founding_mask(rounded, height_px, width_px, pipeline)
    expected = estimated_coverage(levels, gate, found=found) if estimate else NO_ESTIMATE
    return Measured(mask, numbers(mask, rounded, presence, threshold, expected), levels)


def as_probabilities(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A map in 255ths as float32 in [0, 1]; `eight_bit` turns it back into the same levels."""
    return levels.astype(np.float32) / np.float32(255.0)


def _check(probabilities: NDArray[np.float32]) -> None:
    if not np.isfinite(probabilities).all():
        raise InferenceError(Code.INFERENCE_NOT_FINITE, "the model answered NaN or infinity")
    if probabilities.min() < 0.0 or probabilities.max() > 1.0:
        raise InferenceError(Code.INFERENCE_FAILED, "the model answered values outside [0, 1]")
