"""Probability maps of an earlier run in the place of a model: measured again, nothing is computed anew."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.errors import PhotoError
from wallscan.measure.measured import as_probabilities
from wallscan.models.manifest import Manifest
from wallscan.photos.maps import decode_map_png
from wallscan.records.tasks import Claim
from wallscan.segment.engine import Runtime
from wallscan.storage import ObjectMissing, ObjectStore

_RUNTIME = Runtime(engine="stored", version="1", device="none", precision="8 bit")


class RecordedMaps:
    """An `Engine` for one photo: it answers its maps (P, s, s), whatever picture it is shown."""

    def __init__(self, manifest: Manifest, maps: NDArray[np.float32]) -> None:
        self._manifest = manifest
        self._maps = maps

    @property
    def manifest(self) -> Manifest:
        """The manifest of the model that made the maps."""
        return self._manifest

    @property
    def input_px(self) -> int:
        """Side of a map, which is that of the model's input."""
        _, height, width = self._maps.shape
        return max(height, width)

    @property
    def runtime(self) -> Runtime:
        """None runs."""
        return _RUNTIME

    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:  # noqa: ARG002
        """The maps, in the order of the prompts that they were made for."""
        return self._maps


def recorded_maps(store: ObjectStore, claim: Claim) -> RecordedMaps | None:
    """The maps that a claim names; None where any is gone or damaged, so that the model must answer.

    Raises UnavailableError `storage_unavailable`.
    """
    levels = []
    for stored in claim.maps:
        try:
            data = store.get(stored.key)
            if hashlib.sha256(data).hexdigest() != stored.sha256:
                return None
            levels.append(decode_map_png(data))
        except (ObjectMissing, PhotoError):
            return None
    if not levels or len({one.shape for one in levels}) > 1:
        return None
    return RecordedMaps(Manifest.model_validate(claim.model_manifest), as_probabilities(np.stack(levels)))
