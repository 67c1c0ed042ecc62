"""The port: what the pipeline asks of a model, whatever runs it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wallscan.models.manifest import Manifest


class Engine(Protocol):
    """A loaded model. Not for use by several threads at once; threads within it are the process's setting."""

    @property
    def manifest(self) -> Manifest:
        """What is loaded, with the presence gates of its prompts."""

    @property
    def input_px(self) -> int:
        """Side of the network's square input: a photo may be reduced to about twice of it beforehand."""

    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:
        """Per prompt, the probability of each place: (P, s, s) float32 in 0..1.

        `image` is an upright RGB photo (H, W, 3) uint8; the map covers the whole of it, so cell (y, x) is
        the photo's region around ((x + 0.5) W / s, (y + 0.5) H / s). The same image and prompt give the
        same bytes, whatever other prompts are asked. Raises PromptError `prompt_too_many_tokens` and
        InferenceError `inference_not_finite`.
        """


def load_engine(folder: Path) -> Engine:
    """The engine for a bundle's folder, files checked first. Raises BundleError (`bundle_*`)."""
    from wallscan.segment.bundle import check_bundle

    return check_bundle(folder)
