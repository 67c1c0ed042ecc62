"""Probability maps of an earlier run in the place of a model: measured again, nothing is computed anew."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from wallscan.domain.errors import PhotoError
from wallscan.domain.looks import Detail
from wallscan.measure.measured import as_probabilities
from wallscan.models.files import parse_manifest
from wallscan.models.manifest import Manifest
from wallscan.photos.maps import decode_map_png
from wallscan.records.tasks import Claim
from wallscan.segment.tiles import Seen
from wallscan.storage import ObjectMissing, ObjectStore


@dataclass(frozen=True, slots=True)
class RecordedMaps:
    """What a model saw in one photo, the model's manifest, and what ran it."""

    manifest: Manifest
    seen: Seen
    runtime: str

    @property
    def input_px(self) -> int:
        """Side of the model's input: that of one view on the map, so that the photo is decoded as it was."""
        return self.seen.view_cells

    @property
    def detail(self) -> Detail:
        """How closely the photo was looked at, where the run left that to the photo."""
        return Detail.WHOLE if self.seen.whole else Detail.ADAPTIVE


def recorded_maps(store: ObjectStore, claim: Claim) -> RecordedMaps | None:
    """The maps that a claim names; None where any is gone or damaged, so that the model must answer.

    Raises UnavailableError `storage_unavailable`, and BundleError where the manifest is none.
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
    view_cells = claim.maps[0].view_cells or max(levels[0].shape)
    seen = Seen(as_probabilities(np.stack(levels)), view_cells, claim.look.flip)
    manifest = parse_manifest(json.dumps(claim.model_manifest).encode())
    return RecordedMaps(manifest, seen, claim.maps[0].runtime)
