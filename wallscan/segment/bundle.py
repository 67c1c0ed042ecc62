"""From a bundle's folder to a loaded model: the part of the check that needs torch."""

import json
import struct
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoTokenizer, CLIPSegConfig, CLIPSegForImageSegmentation
from transformers.utils.logging import disable_progress_bar

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.delta import whole_folder
from wallscan.models.files import CONFIG, DECODER, WEIGHTS, check_files
from wallscan.segment.engine import EngineSettings
from wallscan.segment.preprocess import InputSpec
from wallscan.segment.segmenter import Segmenter
from wallscan.segment.tokens import PromptTokenizer
from wallscan.segment.torch_graphs import TorchGraphs, accelerator

MAX_LAYERS = 64
MAX_WIDTH = 8192
MAX_HEADER_BYTES = 100 << 20


def check_bundle(folder: Path) -> Segmenter:
    """The model of a bundle whose files are right and whose weights fit its configuration, on the CPU.

    Raises BundleError: what `check_files` raises, and `bundle_unloadable`.
    """
    return _on_torch(folder, "cpu")


def load_torch(folder: Path, settings: EngineSettings | None) -> Segmenter:
    """The checked bundle on torch: on the CPU without settings, else where torch is fastest.

    Raises BundleError as `check_bundle` does.
    """
    if settings is None:
        return check_bundle(folder)
    torch.set_num_threads(settings.threads)
    return _on_torch(folder, accelerator() or "cpu")


def _on_torch(folder: Path, device: str) -> Segmenter:
    manifest = check_files(folder)
    whole = whole_folder(folder)
    spec = InputSpec.read(whole)
    model = load_model(folder)
    tokenizer = prompt_tokenizer(whole, model)
    return Segmenter(TorchGraphs(model, spec.side, device), tokenizer, spec, manifest)


def load_model(folder: Path) -> CLIPSegForImageSegmentation:
    """The weights in float32, whatever they were stored in; a delta's in the place of its base's.

    Raises BundleError `bundle_unloadable`, or `bundle_base_missing`.
    """
    disable_progress_bar()
    whole = whole_folder(folder)
    try:
        config = CLIPSegConfig.from_pretrained(whole, local_files_only=True)
        _check_sizes(config)
        _check_shapes(config, _stored_shapes(whole / WEIGHTS))
        model = CLIPSegForImageSegmentation.from_pretrained(
            whole, config=config, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        if whole != folder:
            _replace_decoder(model, load_file(folder / DECODER))
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"the model does not load: {error}"[:500]) from error
    return model.eval().requires_grad_(False)


def _replace_decoder(model: CLIPSegForImageSegmentation, stored: dict[str, Tensor]) -> None:
    """Every tensor of the decoder must be there, fit, and be the only ones."""
    wanted = {name: list(value.shape) for name, value in model.decoder.state_dict().items()}
    found = {name: list(value.shape) for name, value in stored.items()}
    if wanted != found:
        differing = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"{DECODER} does not fit the base: {differing[0]}")
    model.decoder.load_state_dict(stored)


def prompt_tokenizer(folder: Path, model: CLIPSegForImageSegmentation) -> PromptTokenizer:
    """The tokenizer of a model's text tower, a delta's from its base.

    Raises BundleError `bundle_unloadable`, or `bundle_base_missing`.
    """
    whole = whole_folder(folder)
    try:
        loaded = AutoTokenizer.from_pretrained(whole, local_files_only=True, trust_remote_code=False)
        tokenizer = loaded.backend_tokenizer
        # Both may be stored with it: a prompt that is too long must be refused, not cut.
        tokenizer.no_truncation()
        tokenizer.no_padding()
    except Exception as error:
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"the tokenizer does not load: {error}"[:500]) from error
    text = model.config.text_config
    return PromptTokenizer(tokenizer, text.max_position_embeddings, text.eos_token_id)


def _check_sizes(config: CLIPSegConfig) -> None:
    """Keeps a hostile configuration from claiming the machine before its weights are compared with it."""
    towers = (config.vision_config, config.text_config)
    layers = max(tower.num_hidden_layers for tower in towers)
    width = max(max(tower.hidden_size, tower.intermediate_size) for tower in towers)
    if layers > MAX_LAYERS or max(width, config.reduce_dim, config.decoder_intermediate_size) > MAX_WIDTH:
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"{CONFIG} asks for a model of absurd size")
    extracted = config.extract_layers
    if not extracted or not 0 <= min(extracted) <= max(extracted) < config.vision_config.num_hidden_layers:
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"{CONFIG} extracts layers that the model does not have")


def _stored_shapes(path: Path) -> dict[str, list[int]]:
    """Tensor shapes from a safetensors header: 8 bytes of length, then that much JSON."""
    with path.open("rb") as data:
        prefix = data.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 0 < length <= MAX_HEADER_BYTES:
            raise BundleError(Code.BUNDLE_UNLOADABLE, f"{WEIGHTS} has no header")
        header: dict[str, Any] = json.loads(data.read(length))
    return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}


def _check_shapes(config: CLIPSegConfig, stored: dict[str, list[int]]) -> None:
    """transformers fills what is missing with random numbers; here every tensor must be there and fit."""
    with torch.device("meta"):
        wanted = {
            name: list(value.shape)
            for name, value in CLIPSegForImageSegmentation(config).state_dict().items()
        }
    for name, shape in wanted.items():
        if stored.get(name) != shape:
            found = stored.get(name, "nothing")
            raise BundleError(Code.BUNDLE_UNLOADABLE, f"{name} should be {shape}, the file holds {found}")
