"""One photo: bytes in, masks and numbers out. No input or output here, and nothing remembered."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wallscan.measure import Numbers, measured
from wallscan.photos.decode import Photo, decode
from wallscan.photos.hashing import perceptual_hash
from wallscan.photos.maps import encode_map_png
from wallscan.photos.masks import encode_mask_png
from wallscan.records.tasks import PhotoFacts
from wallscan.segment.engine import Engine


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one prompt: a PNG of the upright photo's size, 0 or 255, its numbers, and its map."""

    mask_png: bytes
    mask_sha256: str
    numbers: Numbers
    map_png: bytes
    map_sha256: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is learnt from one photo; findings in the order of the prompts."""

    facts: PhotoFacts
    findings: tuple[Finding, ...]


def analyse(data: bytes, prompts: Sequence[str], engine: Engine, postprocess: Mapping[str, Any]) -> Analysis:
    """Decode a photo once, encode it once, and find what each prompt names.

    Raises PhotoError (the photo cannot be used), PromptError (the model cannot read a prompt) or
    InferenceError (the model answered no probabilities).
    """
    # Twice the network's input keeps what its own area-averaging needs, at a third of the time.
    photo = decode(data, target_px=2 * engine.input_px)
    return Analysis(_facts(photo), tuple(_findings(photo, prompts, engine, postprocess)))


def _findings(
    photo: Photo, prompts: Sequence[str], engine: Engine, postprocess: Mapping[str, Any]
) -> Iterator[Finding]:
    maps = engine.probabilities(photo.pixels, prompts)
    for prompt, probabilities in zip(prompts, maps, strict=True):
        result = measured(
            probabilities,
            height_px=photo.facts.height_px,
            width_px=photo.facts.width_px,
            gate=engine.manifest.gate_for(prompt),
            postprocess=postprocess,
        )
        mask, levels = encode_mask_png(result.mask), encode_map_png(result.levels)
        yield Finding(mask, _sha256(mask), result.numbers, levels, _sha256(levels))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _facts(photo: Photo) -> PhotoFacts:
    facts = photo.facts
    return PhotoFacts(
        media_type=facts.media_type.value,
        width_px=facts.width_px,
        height_px=facts.height_px,
        taken_at=facts.taken_at and facts.taken_at.replace(tzinfo=None),
        camera=facts.camera,
        phash=_signed(int(perceptual_hash(photo.pixels), 16)),
    )


def _signed(bits: int) -> int:
    """64 bits as the signed number that a database column holds."""
    return bits - (1 << 64) if bits >= 1 << 63 else bits
