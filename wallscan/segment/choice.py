"""Which precision a machine computes in: tried once, kept beside the compiled models, read ever after.

The trial is a stopwatch: near its cut two of them may end differently, and with the precision all bytes do.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError
from wallscan.models.cache import locked
from wallscan.models.manifest import FastPrecision
from wallscan.segment.openvino_runtime import Precision, fastest, ov, processor


def fastest_here(cache: Path, admitted: frozenset[FastPrecision], tokens: int, width: int) -> Precision:
    """What `fastest` said when this machine was first asked; the cache keeps it.

    Raises UnavailableError `storage_unavailable` where the cache cannot be written.
    """
    question = {
        "openvino": ov.get_version(),
        "processor": processor(),
        "admitted": sorted(admitted),
        "tokens": tokens,
        "width": width,
    }
    name = hashlib.sha256(json.dumps(question).encode()).hexdigest()[:12]
    file = cache / f"precision-{name}.json"
    kept = _read(file, question)
    if kept is not None:
        return kept
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / ".precision.lock"):
            kept = _read(file, question)
            return kept or _keep(file, question, fastest(admitted, tokens, width))
    except OSError as error:
        raise UnavailableError(
            Code.STORAGE_UNAVAILABLE, f"the precision cannot be kept in {cache}: {error}"
        ) from error


def _read(file: Path, question: dict[str, Any]) -> Precision | None:
    """The answer kept for this question; None where there is none, or a damaged one."""
    try:
        answer = json.loads(file.read_bytes())
        precision: Precision = answer.pop("precision")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    possible = ["f32", *question["admitted"], *(["int8_bf16"] if "int8" in question["admitted"] else [])]
    return precision if answer == question and precision in possible else None


def _keep(file: Path, question: dict[str, Any], precision: Precision) -> Precision:
    """Kept in one step, so that nobody reads half an answer."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps({**question, "precision": precision}), encoding="utf-8")
    new.replace(file)
    return precision
