"""A bundle's weights to compiled OpenVINO models: the one step of that engine that needs torch.

Run as `python -m wallscan.segment.convert BUNDLE OUT PRECISION` in a process of its own, which takes torch
and transformers with it when it ends.
"""

import json
import sys
from pathlib import Path
from typing import cast, get_args

import torch
from torch import nn
from transformers import CLIPSegForImageSegmentation

from wallscan.domain.errors import BundleError
from wallscan.models.delta import whole_folder
from wallscan.segment.bundle import load_model, prompt_tokenizer
from wallscan.segment.clipseg import Encoder, Head, TextTower
from wallscan.segment.compiled import ENCODER, HEAD, REFUSED, TEXT, UNWRITABLE, conclude
from wallscan.segment.openvino_runtime import DEVICE, Precision, core, ov, properties
from wallscan.segment.preprocess import InputSpec
from wallscan.segment.quantised import read_quantised


def convert(bundle: Path, out: Path, precision: Precision) -> None:
    """Write the compiled graphs of a bundle whose files were checked into the folder `out`.

    The text tower stays float32: it runs once a prompt, and all masks of the prompt hang on it. Raises
    BundleError as `load_model` and `InputSpec.read` do, and where quantised graphs are not this model's.
    """
    whole = whole_folder(bundle)
    spec = InputSpec.read(whole)
    model = load_model(bundle)
    tokenizer = prompt_tokenizer(whole, model)
    tower, words = TextTower(model), tuple(map(torch.from_numpy, tokenizer("crack")))
    with torch.inference_mode():
        graphs = image_graphs(model, spec.side)
        if precision.startswith("int8"):
            graphs = read_quantised(bundle, graphs, tower(*words).numpy())
        for graph, name in zip(graphs, (ENCODER, HEAD), strict=True):
            _compile(graph, out / name, precision)
        _compile(_traced(tower, words), out / TEXT, "f32")
    finite = all(bool(weights.isfinite().all()) for weights in model.parameters())
    conclude(out, whole, tokenizer, finite=finite)


@torch.inference_mode()
def image_graphs(model: CLIPSegForImageSegmentation, side: int) -> tuple[ov.Model, ov.Model]:
    """Encoder and head of a model for inputs of `side` pixels, in float32."""
    pixels, text = torch.zeros(1, 3, side, side), torch.zeros(1, model.config.projection_dim)
    encoder = Encoder(model, side)
    return _traced(encoder, (pixels,)), _traced(Head(model), (text, *encoder(pixels)))


def _traced(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> ov.Model:
    """The graph of one module; its shapes are fixed to those of the inputs."""
    model = ov.convert_model(module.eval(), example_input=inputs)
    model.reshape({port: list(value.shape) for port, value in zip(model.inputs, inputs, strict=True)})
    return model


def _compile(model: ov.Model, path: Path, precision: Precision) -> None:
    compiled = core().compile_model(model, DEVICE, properties(precision, threads=1))
    path.write_bytes(compiled.export_model().getbuffer())


def main(arguments: list[str]) -> int:
    """0; `REFUSED` with code and detail as JSON on standard output where the bundle is at fault; `UNWRITABLE`
    with the reason on standard error where a file cannot be read or written.
    """
    bundle, out, precision = arguments
    if precision not in get_args(Precision):
        raise ValueError(f"{precision} is none of {get_args(Precision)}")
    try:
        convert(Path(bundle), Path(out), cast("Precision", precision))
    except BundleError as error:
        sys.stdout.write(json.dumps({"code": error.code.value, "detail": error.detail}))
        return REFUSED
    except OSError as error:
        sys.stderr.write(str(error))
        return UNWRITABLE
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
