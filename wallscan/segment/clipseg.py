"""CLIPSeg on torch, through transformers' own classes: an image is encoded once for all its prompts."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPSegForImageSegmentation, PreTrainedTokenizerBase

from wallscan.domain.codes import Code
from wallscan.domain.errors import InferenceError, PromptError
from wallscan.models.manifest import Manifest
from wallscan.segment.preprocess import InputSpec, preprocess

MAX_CACHED_PROMPTS = 256


class ClipsegEngine:
    """An `Engine` over a CLIPSeg model in float32 on the CPU."""

    def __init__(
        self,
        model: CLIPSegForImageSegmentation,
        tokenizer: PreTrainedTokenizerBase,
        spec: InputSpec,
        manifest: Manifest,
    ) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._spec = spec
        self._manifest = manifest
        self._texts: OrderedDict[str, Tensor] = OrderedDict()

    @property
    def manifest(self) -> Manifest:
        """What is loaded, with the presence gates of its prompts."""
        return self._manifest

    @property
    def input_px(self) -> int:
        """See `Engine.input_px`."""
        return self._spec.side

    @torch.inference_mode()
    def probabilities(self, image: NDArray[np.uint8], prompts: Sequence[str]) -> NDArray[np.float32]:
        """See `Engine.probabilities`."""
        texts = [self._text(prompt) for prompt in prompts]
        pixels = torch.from_numpy(preprocess(image, self._spec))[None]
        states = encode_image(self._model, pixels)
        # Prompts one by one: batching them gains nothing on a CPU, and would let one change another's bytes.
        logits = torch.cat([self._model.decoder(states, text).logits for text in texts])
        result: NDArray[np.float32] = logits.sigmoid().numpy()
        if not np.isfinite(result).all():
            raise InferenceError(Code.INFERENCE_NOT_FINITE, "the model answered NaN or infinity")
        return result

    def _text(self, prompt: str) -> Tensor:
        """The prompt's conditional embedding (1, projection), from the cache of the latest prompts."""
        if prompt not in self._texts:
            self._texts[prompt] = self._embed(prompt)
            if len(self._texts) > MAX_CACHED_PROMPTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(prompt)
        return self._texts[prompt]

    def _embed(self, prompt: str) -> Tensor:
        tokens = self._tokenizer(prompt, return_tensors="pt")
        longest = self._model.config.text_config.max_position_embeddings
        count = tokens["input_ids"].shape[1]
        if count > longest:
            raise PromptError(
                Code.PROMPT_TOO_MANY_TOKENS, f"the prompt has {count} tokens, the model reads {longest}"
            )
        embedding: Tensor = self._model.clip.get_text_features(**tokens).pooler_output
        return embedding


def encode_image(model: CLIPSegForImageSegmentation, pixels: Tensor) -> tuple[Tensor, ...]:
    """Hidden states (B, 1 + tokens, width) after each of the model's `extract_layers`, in their order.

    pixels: (B, 3, S, S). What lies behind the last extracted layer is not computed: the decoder never
    sees it.
    """
    vision = model.clip.vision_model
    state = vision.pre_layrnorm(vision.embeddings(pixels, interpolate_pos_encoding=True))
    return run_layers(model, state)


def run_layers(model: CLIPSegForImageSegmentation, state: Tensor) -> tuple[Tensor, ...]:
    """The extracted hidden states, from the embedded and normalised tokens (B, 1 + tokens, width)."""
    after: dict[int, Tensor] = {}
    for index in range(max(model.extract_layers) + 1):
        state = model.clip.vision_model.encoder.layers[index](state, None)
        after[index] = state
    return tuple(after[index] for index in model.extract_layers)
