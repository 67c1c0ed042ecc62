"""A bundle's encoder and head in 8 bits, for processors that multiply them much faster than float32.

Post-training quantisation by NNCF: ranges are read off real photos, and SmoothQuant (Xiao et al., 2023) moves
what sticks out of the activations into the weights. Whether the masks stay what they were is measured
afterwards, by `trainer.precision`.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.data import load_rgb
from trainer.phrases import FAMILIES
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.delta import whole_folder
from wallscan.models.manifest import QUANTISED
from wallscan.segment.bundle import load_model, prompt_tokenizer
from wallscan.segment.clipseg import TextTower
from wallscan.segment.convert import image_graphs
from wallscan.segment.openvino_runtime import DEVICE, core, ov, properties
from wallscan.segment.preprocess import InputSpec, preprocess

MAX_PHOTOS = 128
"""Each is encoded several times over: a matter of minutes at rd64-refined's size."""

KEPT = ("Convolution",)
"""Kept in float: pixels to patches, under a hundredth of the work, and where 8 bits cost coverage most."""

Inputs = list[NDArray[np.float32]]


def quantise(bundle: Path, photos: Sequence[Path]) -> None:
    """Write the quantised graphs (`QUANTISED`) into a bundle's folder; its manifest does not know them yet.

    Of the photos at most `MAX_PHOTOS` are looked at, evenly spread. Raises BundleError as `load_model` does,
    and TrainingError `training_photos_missing` without photos.
    """
    if not photos:
        raise TrainingError(Code.TRAINING_PHOTOS_MISSING, "no photo to read the ranges of 8 bits off")
    whole = whole_folder(bundle)
    spec, model = InputSpec.read(whole), load_model(bundle)
    encoder, head = image_graphs(model, spec.side)
    tokenizer, tower = prompt_tokenizer(whole, model), TextTower(model)
    with torch.inference_mode():
        texts = [
            tower(*map(torch.from_numpy, tokenizer(phrase))).numpy()
            for phrases in FAMILIES.values()
            for phrase in phrases
        ]
    chosen = np.linspace(0, len(photos) - 1, min(MAX_PHOTOS, len(photos))).round().astype(int)
    pixels = [preprocess(load_rgb(photos[index]), spec)[None] for index in chosen]
    _write(encoder, [[photo] for photo in pixels], bundle / QUANTISED[0])
    _write(head, list(_asked(encoder, pixels, texts)), bundle / QUANTISED[2])


def _asked(encoder: ov.Model, pixels: Inputs, texts: Inputs) -> Iterator[Inputs]:
    """Inputs of the head: each photo's states with one phrase after the other."""
    request = core().compile_model(encoder, DEVICE, properties("f32", threads=1)).create_infer_request()
    for photo, text in zip(pixels, cycle(texts), strict=False):
        request.infer([photo])
        yield [text, *(tensor.data.copy() for tensor in request.output_tensors)]


def _write(graph: ov.Model, inputs: Sequence[Inputs], path: Path) -> None:
    import nncf  # after OpenVINO, which keeps it from reporting home

    logging.getLogger("nncf").setLevel(logging.WARNING)
    quantised = nncf.quantize(
        graph,
        nncf.Dataset(inputs),
        subset_size=len(inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(types=list(KEPT), validate=False),
    )
    ov.save_model(quantised, path, compress_to_fp16=False)
