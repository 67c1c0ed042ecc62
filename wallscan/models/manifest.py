"""The manifest of a model bundle: what the weights are, where they come from, when a mask is believed."""

import datetime as dt
import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MANIFEST_NAME = "manifest.json"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$"
FILE_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,99}$"

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BundleFile(_Part):
    """One file of the bundle: a plain name in its folder, bytes, SHA-256 in lower-case hex."""

    name: Annotated[str, Field(pattern=FILE_PATTERN)]
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Family(_Part):
    """Phrasings of one thing, with the presence score below which its mask is empty."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    phrases: tuple[str, ...]
    presence: Probability


class Gate(_Part):
    """The presence gate of one prompt. `family` is None for a prompt that the model was not tuned for."""

    family: str | None
    presence: Probability


class Manifest(_Part):
    """All that is recorded about a model version; content-addressed by `bundle_digest`."""

    format_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=200)]
    base: str | None = None
    created_at: dt.datetime
    licence: str
    attribution: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    recipe: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    families: tuple[Family, ...] = ()
    default_presence: Probability
    files: Annotated[tuple[BundleFile, ...], Field(min_length=1, max_length=32)]

    @field_validator("created_at")
    @classmethod
    def _with_time_zone(cls, value: dt.datetime) -> dt.datetime:
        if value.tzinfo is None:
            raise ValueError("created_at needs a time zone")
        return value

    @model_validator(mode="after")
    def _unambiguous(self) -> "Manifest":
        names = [file.name for file in self.files]
        if len(set(names)) < len(names) or MANIFEST_NAME in names:
            raise ValueError("each file is named once, and the manifest does not name itself")
        phrases = [_plain(phrase) for family in self.families for phrase in family.phrases]
        if len(set(phrases)) < len(phrases):
            raise ValueError("a phrase belongs to one family")
        return self

    def gate_for(self, prompt: str) -> Gate:
        """The gate of the family that knows `prompt` (case and white space aside), else the default."""
        wanted = _plain(prompt)
        for family in self.families:
            if any(_plain(phrase) == wanted for phrase in family.phrases):
                return Gate(family=family.name, presence=family.presence)
        return Gate(family=None, presence=self.default_presence)


def bundle_digest(manifest: Manifest) -> str:
    """The bundle's content address: SHA-256 over the canonical JSON of its manifest, in hex.

    The manifest holds every file's SHA-256, so equal digests mean equal weights and equal gates. When it
    was made is left out: the same folder turned into a bundle twice is the same model.
    """
    plain = manifest.model_dump(mode="json", exclude={"created_at"})
    canonical = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(phrase: str) -> str:
    return " ".join(phrase.split()).casefold()
