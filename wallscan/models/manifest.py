"""The manifest of a model bundle: what the weights are, where they come from, when a mask is believed."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MANIFEST_NAME = "manifest.json"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$"
FILE_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,99}$"
QUANTISED = ("encoder-int8.xml", "encoder-int8.bin", "head-int8.xml", "head-int8.bin")
"""OpenVINO graphs whose products are in 8 bits: `python -m trainer precision` makes them of the weights."""

MAX_PICTURE_BYTES = 4 << 20
MAX_IOU_DROP = 0.005
MAX_COVERAGE_CHANGE = 0.01
"""What a faster precision may cost on the benchmark: half a point of mean IoU, 1 % of the coverage."""

ModelName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=200)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
FastPrecision = Literal["bf16", "int8"]
PresenceBy = Literal["extent"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_ADDED_LATER = (
    "precisions",
    "delta_of",
    "data_digest",
    "split",
    "held_out_digest",
    "seed",
    "made_with",
    "default_threshold",
    "presence_by",
)
_ADDED_TO_FAMILIES_LATER = ("threshold", "band", "calibration", "coverage_errors")
"""Fields that older manifests do not have: where they are empty, they are no part of the digest."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BundleFile(_Part):
    """One file of the bundle: a plain name in its folder, bytes, SHA-256 in lower-case hex."""

    name: Annotated[str, Field(pattern=FILE_PATTERN)]
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Base(_Part):
    """A whole bundle, by its name for people and its digest for all else."""

    name: ModelName
    digest: Sha256


Errors = tuple[Annotated[float, Field(le=0.0)], Annotated[float, Field(ge=0.0)]]


class Calibration(_Part):
    """The logit of the probability that a place belongs to it: `slope` x the map's logit + `intercept`."""

    slope: Annotated[float, Field(gt=0.0)]
    intercept: float


class CoverageErrors(_Part):
    """Nine of ten errors of the estimated coverage lie between these, in square roots of per cent.

    (low, high) of the root of the true coverage less that of the estimated one; `found` where the presence
    gate was open, `silent` where it was shut.
    """

    found: Errors
    silent: Errors


class _Fitted(_Part):
    """What is known about the maps of one thing. All but the gate is None where it was never fitted.

    A mask is empty where the map's presence score is below `presence`, and is cut at `threshold`. Anywhere
    within `band` (low, high) the threshold costs next to nothing.
    """

    presence: Probability
    threshold: Probability | None = None
    band: tuple[Probability, Probability] | None = None
    calibration: Calibration | None = None
    coverage_errors: CoverageErrors | None = None

    @model_validator(mode="after")
    def _in_band(self) -> Self:
        if self.band is not None and (
            self.threshold is None or not self.band[0] <= self.threshold <= self.band[1]
        ):
            raise ValueError("a threshold lies within its band")
        if self.coverage_errors is not None and self.calibration is None:
            raise ValueError("errors of the estimated coverage need the calibration that estimates it")
        return self


class Family(_Fitted):
    """Phrasings of one thing, and what is known about its maps."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    phrases: tuple[str, ...]


class Gate(_Fitted):
    """What is known about one prompt's maps. `family` is None where the model was not tuned for it.

    `presence_by` is the manifest's.
    """

    family: str | None
    presence_by: PresenceBy | None = None


class PrecisionCheck(_Part):
    """What a precision costs on the frozen benchmark, against float32 on the same photos and prompts.

    `mean_iou_drop` is absolute (0.005 is half a point; below 0 it gained), `coverage_change` relative to
    the coverage that float32 finds. `benchmark_digest` is SHA-256 over the benchmark's photos and truth.
    """

    mean_iou_drop: Annotated[float, Field(ge=-1.0, le=1.0)]
    coverage_change: float
    photos: Annotated[int, Field(ge=1)]
    benchmark_digest: Sha256

    @property
    def admitted(self) -> bool:
        """Whether masks made with it may stand for those of float32."""
        return self.mean_iou_drop <= MAX_IOU_DROP and abs(self.coverage_change) <= MAX_COVERAGE_CHANGE


class Manifest(_Part):
    """All that is recorded about a model version; content-addressed by `bundle_digest`.

    With `delta_of` the bundle holds a decoder alone, and all else is that whole bundle's. `data_digest` is
    SHA-256 over the photos and annotations learnt from or held out, `held_out_digest` over the latter alone;
    `split` names what parted them from those that judge. `made_with` maps packages to their versions.
    `presence_by` is the score (`wallscan.measure.presence`) that all gates are levels of; None is the local
    mean, which was the only one before it.
    """

    format_version: Literal[1] = 1
    name: ModelName
    base: str | None = None
    created_at: dt.datetime
    licence: str
    attribution: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    recipe: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    families: tuple[Family, ...] = ()
    default_presence: Probability
    default_threshold: Probability | None = None
    presence_by: PresenceBy | None = None
    files: Annotated[tuple[BundleFile, ...], Field(min_length=1, max_length=32)]
    delta_of: Base | None = None
    data_digest: Sha256 | None = None
    split: Annotated[str, Field(pattern=r"^[a-z]{1,50}$")] | None = None
    held_out_digest: Sha256 | None = None
    seed: int | None = None
    made_with: dict[str, str] | None = None
    precisions: dict[FastPrecision, PrecisionCheck] | None = None

    @field_validator("created_at")
    @classmethod
    def _with_time_zone(cls, value: dt.datetime) -> dt.datetime:
        if value.tzinfo is None:
            raise ValueError("created_at needs a time zone")
        return value

    @model_validator(mode="after")
    def _unambiguous(self) -> "Manifest":
        names = {file.name for file in self.files}
        if len(names) < len(self.files) or MANIFEST_NAME in names:
            raise ValueError("each file is named once, and the manifest does not name itself")
        if any(file.name.endswith(".png") and file.size_bytes > MAX_PICTURE_BYTES for file in self.files):
            raise ValueError(f"a picture has at most {MAX_PICTURE_BYTES} bytes")
        if "int8" in self.admitted() and not names.issuperset(QUANTISED):
            raise ValueError("a bundle that admits int8 holds the quantised graphs")
        phrases = [plain_phrase(phrase) for family in self.families for phrase in family.phrases]
        if len(set(phrases)) < len(phrases):
            raise ValueError("a phrase belongs to one family")
        return self

    def admitted(self) -> frozenset[FastPrecision]:
        """The precisions that the bundle was checked in on the benchmark, and lost next to nothing."""
        checks = (self.precisions or {}).items()
        return frozenset(precision for precision, check in checks if check.admitted)

    def gate_for(self, prompt: str) -> Gate:
        """The gate of the family that knows `prompt` (case and white space aside), else the default."""
        wanted = plain_phrase(prompt)
        for family in self.families:
            if any(plain_phrase(phrase) == wanted for phrase in family.phrases):
                fitted = family.model_dump(exclude={"name", "phrases"})
                return Gate(family=family.name, presence_by=self.presence_by, **fitted)
        return Gate(
            family=None,
            presence=self.default_presence,
            presence_by=self.presence_by,
            threshold=self.default_threshold,
        )


def bundle_digest(manifest: Manifest) -> str:
    """The bundle's content address: SHA-256 over the canonical JSON of its manifest, in hex.

    The manifest holds every file's SHA-256, so equal digests mean equal weights and equal gates. When it
    was made is left out: the same folder turned into a bundle twice is the same model.
    """
    empty = {name for name in _ADDED_LATER if getattr(manifest, name) is None}
    plain = manifest.model_dump(mode="json", exclude={"created_at", *empty})
    for family in plain["families"]:
        for name in _ADDED_TO_FAMILIES_LATER:
            if family[name] is None:
                del family[name]
    canonical = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def unfamiliar(prompts: Iterable[str], families: Iterable[Mapping[str, Any]]) -> list[str]:
    """The prompts that none of a manifest's families (as JSON) knows: no gate was fitted for them."""
    known = {plain_phrase(phrase) for family in families for phrase in family["phrases"]}
    return [prompt for prompt in prompts if plain_phrase(prompt) not in known]


def plain_phrase(phrase: str) -> str:
    """A phrase as it is compared with others: case and white space aside."""
    return " ".join(phrase.split()).casefold()
