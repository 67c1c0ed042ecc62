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

from wallscan.domain.errors import BundleError
from wallscan.models.delta import whole_folder
from wallscan.segment.bundle import load_model, prompt_tokenizer
from wallscan.segment.clipseg import Encoder, Head, TextTower
from wallscan.segment.compiled import ENCODER, HEAD, REFUSED, TEXT, UNWRITABLE, conclude
from wallscan.segment.openvino_runtime import DEVICE, Precision, core, ov, properties
from wallscan.segment.preprocess import InputSpec


def convert(bundle: Path, out: Path, precision: Precision) -> None:
    """Write the compiled graphs of a bundle whose files were checked into the folder `out`.

    The text tower stays float32: it runs once a prompt, and all masks of the prompt hang on it. Raises
    BundleError as `load_model` and `InputSpec.read` do.
    """
    whole = whole_folder(bundle)
    spec = InputSpec.read(whole)
    model = load_model(bundle)
    tokenizer = prompt_tokenizer(whole, model)
    pixels = torch.zeros(1, 3, spec.side, spec.side)
    text = torch.zeros(1, model.config.projection_dim)
    ids, end = torch.zeros(1, tokenizer.length, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)
    encoder = Encoder(model, spec.side)
    with torch.inference_mode():
        _compile(encoder, (pixels,), out / ENCODER, precision)
        _compile(Head(model), (text, *encoder(pixels)), out / HEAD, precision)
        _compile(TextTower(model), (ids, end), out / TEXT, "f32")
    finite = all(bool(weights.isfinite().all()) for weights in model.parameters())
    conclude(out, whole, tokenizer, finite=finite)


def _compile(module: nn.Module, inputs: tuple[torch.Tensor, ...], path: Path, precision: Precision) -> None:
    """Trace, compile and export one graph; its shapes are fixed to those of the inputs."""
    model = ov.convert_model(module.eval(), example_input=inputs)
    model.reshape({port: list(value.shape) for port, value in zip(model.inputs, inputs, strict=True)})
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
