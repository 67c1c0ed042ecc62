"""The runtime of CPUs: OpenVINO on compiled models. Neither torch nor transformers is imported here."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wallscan.models.delta import whole_folder
from wallscan.models.files import CONFIG, read_manifest
from wallscan.models.manifest import bundle_digest
from wallscan.segment.choice import fastest_here
from wallscan.segment.compiled import ENCODER, HEAD, TEXT, Compiled, Key, compiled
from wallscan.segment.engine import EngineSettings, Runtime
from wallscan.segment.openvino_runtime import DEVICE, Precision, core, ov, processor, properties
from wallscan.segment.preprocess import InputSpec
from wallscan.segment.segmenter import Segmenter


def load_openvino(folder: Path, settings: EngineSettings) -> Segmenter:
    """The bundle on OpenVINO in the precision that the settings wish and the bundle admits.

    Raises as `open_openvino` does.
    """
    return open_openvino(folder, settings, chosen_precision(folder, settings))


def chosen_precision(folder: Path, settings: EngineSettings) -> Precision:
    """What the bundle is run in: with `fast`, the fastest on this machine of what it admits.

    Raises BundleError as `read_manifest`, `whole_folder` and `InputSpec.read` do, and UnavailableError
    `storage_unavailable`.
    """
    admitted = read_manifest(folder).admitted()
    if settings.precision == "exact" or not admitted:
        return "f32"
    whole = whole_folder(folder)
    vision = json.loads((whole / CONFIG).read_bytes()).get("vision_config", {})
    patch, width = vision.get("patch_size", 32), vision.get("hidden_size", 768)  # transformers' defaults
    return fastest_here(settings.cache, admitted, (InputSpec.read(whole).side // patch) ** 2, width)


def open_openvino(folder: Path, settings: EngineSettings, precision: Precision) -> Segmenter:
    """The bundle on OpenVINO in this precision, compiled for this processor if it was not yet.

    Raises BundleError, ConversionError and UnavailableError as `compiled` does.
    """
    manifest = read_manifest(folder)
    version = ov.get_version()
    key = Key(bundle_digest(manifest), version, processor(), precision)
    model = compiled(folder, key, settings.cache)
    runtime = Runtime("openvino", version, core().get_property(DEVICE, "FULL_DEVICE_NAME"), precision)
    graphs = OpenVinoGraphs(model, runtime, precision, settings.threads)
    return Segmenter(graphs, model.tokenizer, model.spec, manifest)


class OpenVinoGraphs:
    """`Graphs` on OpenVINO. One request a graph, so one thread at a time."""

    batch = 1
    """On a CPU several images at once take as long as one by one, and graphs of one shape are faster."""

    def __init__(self, model: Compiled, runtime: Runtime, precision: Precision, threads: int) -> None:
        self._runtime = runtime
        # OpenVINO computes from the mapped files: they must live as long as it does.
        self._mapped = {name: ov.Tensor(blob, shared_memory=True) for name, blob in model.blobs.items()}
        self._threads = threads
        self._finite = model.finite
        self._encoder = self._request(ENCODER, precision)
        self._head = self._request(HEAD, precision)
        self._tower: ov.InferRequest | None = None

    @property
    def runtime(self) -> Runtime:
        """See `Graphs.runtime`."""
        return self._runtime

    def embed(self, ids: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float32]:
        """See `Graphs.embed`. The text tower is made at the first prompt that is not cached."""
        if self._tower is None:
            self._tower = self._request(TEXT, "f32")
        self._tower.infer([ids, end])
        return _output(self._tower, 0).copy()

    def logits(
        self, pixels: NDArray[np.float32], texts: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """See `Graphs.logits`."""
        self._encoder.infer([pixels])
        reduced = [_output(self._encoder, index) for index in range(len(self._encoder.output_tensors))]
        if not (self._finite and all(np.isfinite(each).all() for each in reduced)):
            return np.full((1, len(texts), 1, 1), np.nan, np.float32)
        # Prompts one by one, as on torch: one never changes another's bytes.
        answers = []
        for text in texts:
            self._head.infer([text, *reduced], share_inputs=True)
            answers.append(_output(self._head, 0).copy())
        return np.stack(answers, axis=1)

    def _request(self, name: str, precision: Precision) -> ov.InferRequest:
        given = properties(precision, self._threads)
        return core().import_model(self._mapped[name], DEVICE, given).create_infer_request()


def _output(request: ov.InferRequest, index: int) -> NDArray[np.float32]:
    """A view of an output, valid until the request's next inference."""
    view: NDArray[np.float32] = request.get_output_tensor(index).data
    return view
