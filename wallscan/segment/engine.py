"""The port: what the pipeline asks of a model, whatever runs it, and which runtime is taken."""

import importlib.util
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from wallscan.models.manifest import Manifest

EngineName = Literal["auto", "openvino", "torch"]
PrecisionWish = Literal["fast", "exact"]

_ACCELERATOR_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))
"""Made by the drivers of NVIDIA, of WSL and of AMD. Looked at before torch, whose import takes seconds."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What computed a map; the same of all four, on the same machine, computes the same bytes."""

    engine: str
    version: str
    device: str
    precision: str

    def __str__(self) -> str:
        return f"{self.engine} {self.version} on {self.device} in {self.precision}"


class Engine(Protocol):
    """A loaded model. Not for use by several threads at once; threads within it are the process's setting."""

    @property
    def manifest(self) -> Manifest:
        """What is loaded, with the presence gates of its prompts."""

    @property
    def input_px(self) -> int:
        """Side of the network's square input: a photo may be reduced to about twice of it beforehand."""

    @property
    def runtime(self) -> Runtime:
        """What runs the model."""

    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:
        """Per prompt, the probability of each place: (P, s, s) float32 in 0..1.

        `image` is an upright RGB photo (H, W, 3) uint8; the map covers the whole of it, so cell (y, x) is
        the photo's region around ((x + 0.5) W / s, (y + 0.5) H / s). The same image and prompt give the
        same bytes, whatever other prompts are asked. Raises PromptError `prompt_too_many_tokens` and
        InferenceError `inference_not_finite`.
        """


@runtime_checkable
class Batching(Protocol):
    """What an `Engine` has beside where it can take several images at once."""

    @property
    def batch(self) -> int:
        """How many at most; 1 where several are no faster."""

    def probabilities_of_each(
        self, images: Sequence[NDArray[np.uint8]], prompts: Sequence[str]
    ) -> NDArray[np.float32]:
        """As `Engine.probabilities` of up to `batch` images: (N, P, s, s).

        The same images and prompts give the same bytes, but one alone may differ from one among others in
        the last digits.
        """


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which runtime, how precise, with how many threads, and where compiled models are kept.

    `auto` is torch where it can use an accelerator, else OpenVINO where it is installed. `exact` is float32,
    `fast` what was fastest on this machine of float32 and the precisions that the bundle was validated for.
    """

    cache: Path
    engine: EngineName = "auto"
    precision: PrecisionWish = "fast"
    threads: int = 1


def load_engine(folder: Path, settings: EngineSettings | None = None) -> Engine:
    """The engine for a bundle's folder, files checked first; without settings the reference, torch.

    Raises BundleError (`bundle_*`), ConversionError `conversion_killed` where the model's conversion was
    ended from outside, and UnavailableError `storage_unavailable` where the compiled model cannot be kept.
    """
    if settings is not None and not _takes_torch(settings.engine):
        from wallscan.segment.openvino_graphs import load_openvino

        return load_openvino(folder, settings)
    from wallscan.segment.bundle import load_torch

    return load_torch(folder, settings)


def _takes_torch(wanted: EngineName) -> bool:
    if wanted != "auto":
        return wanted == "torch"
    return importlib.util.find_spec("openvino") is None or (_may_accelerate() and _torch_accelerates())


def _may_accelerate() -> bool:
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple or any(device.exists() for device in _ACCELERATOR_DEVICES)


def _torch_accelerates() -> bool:
    from wallscan.segment.torch_graphs import accelerator

    return accelerator() is not None
