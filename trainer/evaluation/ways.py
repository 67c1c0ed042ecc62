"""The ways from a probability map to a mask: cut at 0.5, or as the product does it."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import Mask
from wallscan.domain.looks import Look
from wallscan.domain.pipelines import FOUNDING, STANDARD
from wallscan.measure.measured import measured
from wallscan.models.manifest import Manifest
from wallscan.segment.engine import Engine, Runtime
from wallscan.segment.tiles import look_at

RAW = "raw"
RAW_THRESHOLD = 0.5
PIPELINES: Mapping[str, Mapping[str, Any]] = {"founding": FOUNDING, "standard": STANDARD}
"""The product's pipelines by name, each behind the presence gate of the model's manifest."""
WAYS = (RAW, *PIPELINES)


def grown(probability: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """A map (h, w) at the photo's size, (height, width) float32."""
    return np.asarray(cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def raw_mask(probability: NDArray[np.float32], height: int, width: int) -> Mask:
    """The map at the photo's size, cut at 0.5."""
    return np.asarray(grown(probability, height, width) > RAW_THRESHOLD, np.bool_)


def masks(
    manifest: Manifest, prompt: str, probability: NDArray[np.float32], height: int, width: int
) -> dict[str, Mask]:
    """The mask (height, width) bool that each of `WAYS` makes of a prompt's map (h, w)."""
    gate = manifest.gate_for(prompt)
    found = {RAW: raw_mask(probability, height, width)}
    for name, parameters in PIPELINES.items():
        result = measured(probability, height_px=height, width_px=width, gate=gate, postprocess=parameters)
        found[name] = result.mask > 0
    return found


class FlipAveraged:
    """An `Engine` that answers as a look with `flip` sees: the mean over photo and mirror image."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def manifest(self) -> Manifest:
        """The model's."""
        return self._engine.manifest

    @property
    def input_px(self) -> int:
        """The model's."""
        return self._engine.input_px

    @property
    def runtime(self) -> Runtime:
        """The model's."""
        return self._engine.runtime

    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:
        """See `Engine.probabilities`."""
        return look_at(self._engine, image, prompts, Look(flip=True)).maps
