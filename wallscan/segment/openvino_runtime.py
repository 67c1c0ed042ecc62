"""OpenVINO as it is used here: no word home, precision and threads always given, processor named."""

import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, Literal

# OpenVINO reports its use to its makers on import unless this package is missing. Site photos are nobody
# else's business, and neither is when they are looked at.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import numpy as np  # noqa: E402 - after the line above
import openvino as ov  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from wallscan.models.manifest import FastPrecision  # noqa: E402

__all__ = [
    "DEVICE",
    "Precision",
    "core",
    "fastest",
    "has_bf16",
    "ov",
    "processor",
    "product_s",
    "properties",
]

Precision = Literal["f32", "bf16", "int8", "int8_bf16"]
"""What matrices are multiplied in. `int8` computes all else in float32, `int8_bf16` in bf16."""
DEVICE = "CPU"
_CPU_FACTS = Path("/proc/cpuinfo")
_WIDE = ("amx", "avx", "bf16", "i8mm", "sve")
_TRIES, _FASTER = 7, 1.2


@cache
def core() -> ov.Core:
    """The process's only one, for as long as it lives.

    Each `ov.Core` gives its thread a stack for signal handlers, and at its own end puts back the one it
    found. Two whose lives overlap put back one that is freed already, and the next signal ends the process.
    """
    return ov.Core()


def processor() -> str:
    """The processor's name and what it can compute with: a compiled model fits such a one alone."""
    name = core().get_property(DEVICE, "FULL_DEVICE_NAME")
    capabilities = sorted(core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES"))
    return " ".join([name, *capabilities, *_wide_instructions()])


def _wide_instructions() -> list[str]:
    """As Linux names them. Virtual machines on one processor may differ: AMX, for one, is often hidden."""
    try:
        lines = _CPU_FACTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return sorted(flag for flag in flags.split() if flag.startswith(_WIDE))


def has_bf16() -> bool:
    """Whether the processor multiplies in bf16 itself: emulated, it would be slower than f32."""
    return "BF16" in core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")


def fastest(admitted: frozenset[FastPrecision], tokens: int, width: int) -> Precision:
    """The fastest of float32 and what is admitted, on this processor, for so many tokens of such a width.

    Measured on a product as the model's layers have them, since instructions say little: with bf16, AMD's
    double float32's pace and Intel's without AMX halve it; int8 gains nothing where layers are narrow.
    Another try may end differently: `choice.fastest_here` asks once a machine.
    """

    @cache
    def seconds(precision: Precision) -> float:
        return product_s(precision, tokens, width)

    bf16_pays = has_bf16() and seconds("f32") > _FASTER * seconds("bf16")
    best: Precision = "bf16" if "bf16" in admitted and bf16_pays else "f32"
    int8: Precision = "int8_bf16" if bf16_pays else "int8"
    int8_pays = "int8" in admitted and seconds(best) > _FASTER * seconds(int8)
    return int8 if int8_pays else best


def product_s(precision: Precision, tokens: int, width: int) -> float:
    """Processor seconds of one thread for tokens (tokens, width) times weights (width, 4 width).

    The least of several tries, since others use the core too.
    """
    one = ov.opset13.parameter([tokens, width], np.float32)
    weights = np.random.default_rng(0).normal(size=(4 * width, width)).astype(np.float32)
    quantised = precision.startswith("int8")
    factors = (_in_256_levels(one), _of_int8(weights)) if quantised else (one, ov.opset13.constant(weights))
    graph = ov.Model([ov.opset13.matmul(*factors, False, True)], [one], "product")
    request = core().compile_model(graph, DEVICE, properties(precision, 1)).create_infer_request()
    values, took = np.ones((tokens, width), np.float32), []
    for _ in range(_TRIES):
        began = time.process_time()
        request.infer([values])
        took.append(time.process_time() - began)
    return min(took)


def _in_256_levels(node: ov.Node) -> ov.Node:
    """What the runtime takes for values that are to be multiplied in 8 bits."""
    low, high = (np.full((1, 1), limit, np.float32) for limit in (-4.0, 4.0))
    return ov.opset13.fake_quantize(node, low, high, low, high, 256)


def _of_int8(weights: NDArray[np.float32]) -> ov.Node:
    """Weights as they lie in a quantised graph: eight bits and a scale."""
    scale = np.abs(weights).max() / 127
    eight_bits = ov.opset13.constant((weights / scale).round().astype(np.int8))
    return ov.opset13.multiply(ov.opset13.convert(eight_bits, np.float32), np.full((1, 1), scale, np.float32))


def properties(precision: Precision, threads: int) -> dict[str, Any]:
    """Compile-time properties. OpenVINO would pick bf16 by itself where the processor has it.

    Threads are not pinned: each process would take the same cores.
    """
    return {
        "INFERENCE_PRECISION_HINT": "bf16" if precision.endswith("bf16") else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }
