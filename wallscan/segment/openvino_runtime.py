"""OpenVINO as it is used here: no word home, precision and threads always given, processor named."""

import sys
from functools import cache
from typing import Any, Literal

# OpenVINO reports its use to its makers on import unless this package is missing. Site photos are nobody
# else's business, and neither is when they are looked at.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402 - after the line above

__all__ = ["DEVICE", "Precision", "core", "has_bf16", "ov", "processor", "properties"]

Precision = Literal["f32", "bf16"]
DEVICE = "CPU"


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
