"""OpenVINO as it is used here: no word home, precision and threads always given, processor named."""

import sys
import time
from functools import cache
from typing import Any, Literal

# OpenVINO reports its use to its makers on import unless this package is missing. Site photos are nobody
# else's business, and neither is when they are looked at.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import numpy as np  # noqa: E402 - after the line above
import openvino as ov  # noqa: E402

__all__ = ["DEVICE", "Precision", "bf16_pays", "core", "has_bf16", "ov", "processor", "properties"]

Precision = Literal["f32", "bf16"]
DEVICE = "CPU"
_TRIES, _FASTER = 5, 1.2


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
    return f"{name} {' '.join(sorted(core().get_property(DEVICE, 'OPTIMIZATION_CAPABILITIES')))}"


def has_bf16() -> bool:
    """Whether the processor multiplies in bf16 itself: emulated, it would be slower than f32."""
    return "BF16" in core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")


@cache
def bf16_pays() -> bool:
    """Whether bf16 is clearly faster than float32 here.

    Measured where the processor has the instructions: AMD's double the pace, Intel's without AMX halve it.
    """
    return has_bf16() and product_s("f32", 1024) > _FASTER * product_s("bf16", 1024)


def product_s(precision: Precision, side: int) -> float:
    """Processor seconds of one thread for a product of square matrices, as fast as the processor gets.

    The least of several tries, since others use the core too.
    """
    one = ov.opset13.parameter([side, side], np.float32)
    weights = ov.opset13.constant(np.random.default_rng(0).normal(size=(side, side)).astype(np.float32))
    graph = ov.Model([ov.opset13.matmul(one, weights, False, True)], [one], "product")
    request = core().compile_model(graph, DEVICE, properties(precision, 1)).create_infer_request()
    values, took = np.ones((side, side), np.float32), []
    for _ in range(_TRIES):
        began = time.process_time()
        request.infer([values])
        took.append(time.process_time() - began)
    return min(took)


def properties(precision: Precision, threads: int) -> dict[str, Any]:
    """Compile-time properties. OpenVINO would pick bf16 by itself where the processor has it.

    Threads are not pinned: each process would take the same cores.
    """
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }
