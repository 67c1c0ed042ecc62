"""Graphs in 8 bits that a bundle brings along: read, and held against the weights that they were made of."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.manifest import QUANTISED
from wallscan.segment.openvino_runtime import DEVICE, core, ov, properties

MAX_ERROR = 0.5
"""Mean difference of the graphs' answers, as a share of the answers' mean size.

The shipped model's are off by 0.03, a tiny one's of random weights by 0.37.
"""

Graphs = tuple[ov.Model, ov.Model]


def read_quantised(bundle: Path, exact: Graphs, text: NDArray[np.float32]) -> Graphs:
    """The bundle's quantised encoder and head, which must answer as the float32 ones given.

    `text` is the embedding (1, projection) of some prompt to ask for. Raises BundleError `bundle_unloadable`.
    """
    files = bundle / QUANTISED[0], bundle / QUANTISED[2]
    encoder, head = (_read(file, graph) for file, graph in zip(files, exact, strict=True))
    answers = zip(files, _answers(exact, text), _answers((encoder, head), text), strict=True)
    for file, wanted, found in answers:
        if not np.abs(found - wanted).mean() <= MAX_ERROR * np.abs(wanted).mean():
            raise BundleError(Code.BUNDLE_UNLOADABLE, f"{file.name} was not made of these weights")
    return encoder, head


def _read(path: Path, exact: ov.Model) -> ov.Model:
    try:
        quantised = core().read_model(path)
    except RuntimeError as error:
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"{path.name} is not read: {error}"[:500]) from error
    if _shapes(quantised) != _shapes(exact):
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"{path.name} does not fit the model's inputs and outputs")
    return quantised


def _shapes(model: ov.Model) -> list[tuple[str, ...]]:
    return [tuple(str(port.partial_shape) for port in ports) for ports in (model.inputs, model.outputs)]


def _answers(graphs: Graphs, text: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the encoder makes of a picture that is always the same, and then the head: all values in a row."""
    encoder, head = (core().compile_model(graph, DEVICE, properties("f32", threads=1)) for graph in graphs)
    side = encoder.inputs[0].shape[2]
    coarse = np.random.default_rng(0).normal(size=(1, 3, 4, 4)).astype(np.float32)
    cells = np.arange(side) * 4 // side
    states = list(encoder([coarse[..., cells[:, None], cells]]).to_tuple())
    (logits,) = head([text, *states]).to_tuple()
    return np.concatenate([state.ravel() for state in states]), logits.ravel()
