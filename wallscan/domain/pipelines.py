"""Post-processing pipelines by name and version, with the parameters that a new run records."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from wallscan.domain.codes import Code
from wallscan.domain.errors import PipelineError

_T = TypeVar("_T")


class _Range(Protocol):
    """The values a parameter may have; its text completes "must be ..."."""

    def __contains__(self, value: object) -> bool: ...


class _OneOf(tuple[str | int, ...]):
    def __str__(self) -> str:
        return " or ".join(map(str, self))


@dataclass(frozen=True, slots=True)
class _Odd:
    most: int

    def __contains__(self, value: object) -> bool:
        return type(value) is int and 1 <= value <= self.most and value % 2 == 1

    def __str__(self) -> str:
        return f"an odd whole number from 1 to {self.most}"


@dataclass(frozen=True, slots=True)
class _Between:
    least: float
    most: float
    or_none: bool = False

    def __contains__(self, value: object) -> bool:
        if value is None:
            return self.or_none
        return type(value) in (int, float) and self.least <= value <= self.most  # type: ignore[operator]

    def __str__(self) -> str:
        return f"a number from {self.least:g} to {self.most:g}{' or null' if self.or_none else ''}"


_KERNEL_PX = _Odd(51)


def _parameter(default: _T, allowed: _Range) -> _T:
    made: _T = field(default=default, metadata={"allowed": allowed})
    return made


def _check(pipeline: "Founding | Standard") -> None:
    for one in fields(pipeline):
        value, allowed = getattr(pipeline, one.name), one.metadata["allowed"]
        if isinstance(value, bool) or value not in allowed:
            raise PipelineError(
                Code.PIPELINE_PARAMETER_INVALID,
                f"{one.name} of {pipeline.name} must be {allowed}, not {value!r}",
            )


@dataclass(frozen=True, slots=True)
class Founding:
    """Denoise, Otsu, opening, closing, behind the presence gate that the model's manifest gives each prompt.

    Sizes are sides of square kernels, odd, in pixels of the probability map; 1 leaves the step out. 3 on a
    352-pixel map is 5 on a 640-pixel photo, and about 34 on one that is 4,000 pixels wide. The bilateral
    filter keeps edges. Raises PipelineError `pipeline_parameter_invalid`.
    """

    name: str = _parameter("founding", _OneOf(("founding",)))
    version: int = _parameter(1, _OneOf((1,)))
    denoise: str = _parameter("gaussian", _OneOf(("gaussian", "bilateral")))
    denoise_px: int = _parameter(3, _KERNEL_PX)
    opening_px: int = _parameter(3, _KERNEL_PX)
    closing_px: int = _parameter(3, _KERNEL_PX)

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Standard:
    """The prompt's calibrated threshold, short parts left out, closing, behind the presence gate.

    `threshold` is `fixed` (the model's own for the prompt), `otsu` (kept inside the model's validated band
    round it) or `hysteresis` (the band's ends: a part needs a place above the upper one). `level` in 0..1
    takes the place of the model's threshold, and moves the band along. A part is left out where the diagonal
    of its bounding box is under `min_length_px` pixels of the map: 20 is more than the side of one patch of
    the network, so that a line needs two in a row. `closing_px` is as in `Founding`. Raises PipelineError
    `pipeline_parameter_invalid`.
    """

    name: str = _parameter("standard", _OneOf(("standard",)))
    version: int = _parameter(1, _OneOf((1,)))
    threshold: str = _parameter("otsu", _OneOf(("fixed", "otsu", "hysteresis")))
    level: float | None = _parameter(None, _Between(0.01, 0.99, or_none=True))
    min_length_px: float = _parameter(20.0, _Between(0.0, 10_000.0))
    closing_px: int = _parameter(3, _KERNEL_PX)

    def __post_init__(self) -> None:
        _check(self)


Pipeline = Founding | Standard
_PIPELINES: Mapping[str, type[Founding] | type[Standard]] = {"founding": Founding, "standard": Standard}
PIPELINE_NAMES = tuple(_PIPELINES)
DEFAULT_PIPELINE = "standard"

FOUNDING: Mapping[str, Any] = MappingProxyType(asdict(Founding()))
STANDARD: Mapping[str, Any] = MappingProxyType(asdict(Standard()))
"""The pipelines as a run records them where nothing was changed."""


def parse_pipeline(parameters: Mapping[str, Any]) -> Pipeline:
    """The pipeline under `name` with these parameters; those that are not named have their defaults.

    Raises PipelineError `pipeline_unknown` (also for a version that is not known) or
    `pipeline_parameter_invalid` (not a parameter of it, or not a value that it may have).
    """
    name = parameters.get("name", DEFAULT_PIPELINE)
    made = _PIPELINES.get(name) if isinstance(name, str) else None
    if made is None:
        raise PipelineError(
            Code.PIPELINE_UNKNOWN, f"there is no pipeline {name!r}, there are {', '.join(_PIPELINES)}"
        )
    version = parameters.get("version", 1)
    if version != 1:
        raise PipelineError(Code.PIPELINE_UNKNOWN, f"version {version!r} of {name} is not known here")
    unknown = sorted(set(parameters) - {one.name for one in fields(made)})
    if unknown:
        raise PipelineError(Code.PIPELINE_PARAMETER_INVALID, f"{name} has no parameter {unknown[0]!r}")
    return made(**parameters)


def recorded(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as a run records it: `parse_pipeline` gives the same one back."""
    return asdict(pipeline)
