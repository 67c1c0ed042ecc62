"""The reference runtime: torch in float32, on an accelerator where the machine has one, else the CPU."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CLIPSegForImageSegmentation

from wallscan.segment.clipseg import Encoder, Head, TextTower
from wallscan.segment.engine import Runtime

ACCELERATED_BATCH = 8
"""Images encoded at once where that pays: enough to fill a device, at well under 1 GB of activations."""


@contextmanager
def exact_and_repeatable() -> Iterator[None]:
    """Keep NVIDIA's libraries from rounding float32 to TF32, and from algorithms that answer by chance.

    Only while the block runs: what else the process does, such as training, has its own settings.
    """
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        matmul.allow_tf32 = False
        try:
            yield
        finally:
            matmul.allow_tf32 = before


class TorchGraphs:
    """`Graphs` on torch. Always float32: this is what other runtimes and precisions are held against."""

    def __init__(self, model: CLIPSegForImageSegmentation, side: int, device: str = "cpu") -> None:
        self.batch = 1 if device == "cpu" else ACCELERATED_BATCH
        self._device = torch.device(device)
        self._encoder = Encoder(model, side).to(self._device)
        self._head = Head(model).to(self._device)
        self._tower = TextTower(model).to(self._device)
        self._runtime = Runtime("torch", torch.__version__, device, "f32")

    @property
    def runtime(self) -> Runtime:
        """See `Graphs.runtime`."""
        return self._runtime

    @torch.inference_mode()
    @exact_and_repeatable()
    def embed(self, ids: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float32]:
        """See `Graphs.embed`."""
        inputs = (torch.from_numpy(value).to(self._device) for value in (ids, end))
        embedding: NDArray[np.float32] = self._tower(*inputs).cpu().numpy()
        return embedding

    @torch.inference_mode()
    @exact_and_repeatable()
    def logits(
        self, pixels: NDArray[np.float32], texts: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """See `Graphs.logits`."""
        reduced = self._encoder(torch.from_numpy(pixels).to(self._device))
        # Prompts one by one: batching them gains nothing on a CPU, and would let one change another's bytes.
        each = [
            self._head(torch.from_numpy(text).to(self._device).expand(len(pixels), -1), *reduced)
            for text in texts
        ]
        result: NDArray[np.float32] = torch.stack(each, dim=1).cpu().numpy()
        return result


def accelerator() -> str | None:
    """torch's name of the machine's accelerator, if torch can use it."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None
