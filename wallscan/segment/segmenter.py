"""CLIPSeg without its runtime: preprocess, the cache of text embeddings, one encoding for all prompts."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError
from wallscan.models.manifest import Manifest
from wallscan.segment.engine import Runtime
from wallscan.segment.preprocess import InputSpec, preprocess
from wallscan.segment.tokens import PromptTokenizer

MAX_CACHED_PROMPTS = 256
_STEEPEST = 80.0
"""Logits beyond it are 0 or 1 in float32 anyway, and exp() would overflow."""


class Graphs(Protocol):
    """CLIPSeg's three graphs on some runtime."""

    @property
    def batch(self) -> int:
        """Images that `logits` is given at most; 1 where several at once are no faster."""

    @property
    def runtime(self) -> Runtime:
        """What runs them."""

    def embed(self, ids: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float32]:
        """Token ids (1, length) and the end token's place (1,), to an embedding (1, projection)."""

    def logits(
        self, pixels: NDArray[np.float32], texts: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Pixels (N, 3, S, S), each encoded once, and P embeddings (1, projection), to (N, P, s, s)."""


class Segmenter:
    """A `Batching` engine over CLIPSeg's graphs."""

    def __init__(
        self, graphs: Graphs, tokenizer: PromptTokenizer, spec: InputSpec, manifest: Manifest
    ) -> None:
        self._graphs = graphs
        self._tokenizer = tokenizer
        self._spec = spec
        self._manifest = manifest
        self._texts: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def manifest(self) -> Manifest:
        """See `Engine.manifest`."""
        return self._manifest

    @property
    def input_px(self) -> int:
        """See `Engine.input_px`."""
        return self._spec.side

    @property
    def runtime(self) -> Runtime:
        """See `Engine.runtime`."""
        return self._graphs.runtime

    @property
    def batch(self) -> int:
        """See `Batching.batch`."""
        return self._graphs.batch

    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:
        """See `Engine.probabilities`."""
        alone: NDArray[np.float32] = self.probabilities_of_each([image], prompts)[0]
        return alone

    def probabilities_of_each(
        self, images: Sequence[NDArray[np.uint8]], prompts: Sequence[str]
    ) -> NDArray[np.float32]:
        """See `Batching.probabilities_of_each`."""
        texts = [self._text(prompt) for prompt in prompts]
        logits = self._graphs.logits(np.stack([preprocess(image, self._spec) for image in images]), texts)
        if not np.isfinite(logits).all():
            raise InferenceError(Code.INFERENCE_NOT_FINITE, "the model answered NaN or infinity")
        result: NDArray[np.float32] = 1 / (1 + np.exp(-logits.clip(-_STEEPEST, _STEEPEST)))
        return result

    def _text(self, prompt: str) -> NDArray[np.float32]:
        """The prompt's conditional embedding (1, projection), from the cache of the latest prompts."""
        if prompt not in self._texts:
            self._texts[prompt] = self._graphs.embed(*self._tokenizer(prompt))
            if len(self._texts) > MAX_CACHED_PROMPTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(prompt)
        return self._texts[prompt]
