"""One photo: bytes in, masks and numbers out. No input or output here, and nothing remembered."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wallscan.domain.looks import DEFAULT_LOOK, Look, settled
from wallscan.measure import Numbers, measured
from wallscan.models.manifest import Manifest
from wallscan.photos.decode import Photo, check, decode
from wallscan.photos.hashing import perceptual_hash
from wallscan.photos.masks import encode_mask_png
from wallscan.records.tasks import PhotoFacts
from wallscan.segment.engine import Engine
from wallscan.segment.tiles import Seen, decode_target_px, look_at


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one prompt: a PNG of the upright photo's size, 0 or 255, and its numbers.

    `view_cells` is that of the map they were made from, see `wallscan.segment.tiles.Seen`.
    """

    mask_png: bytes
    mask_sha256: str
    numbers: Numbers
    view_cells: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is learnt from one photo; findings in the order of the prompts."""

    facts: PhotoFacts
    findings: tuple[Finding, ...]


def analyse(
    data: bytes,
    prompts: Sequence[str],
    engine: Engine,
    postprocess: Mapping[str, Any],
    look: Look = DEFAULT_LOOK,
) -> Analysis:
    """Decode a photo once, encode each view of it once, and find what each prompt names.

    Raises PhotoError (the photo cannot be used), PromptError (the model cannot read a prompt) or
    InferenceError (the model answered no probabilities).
    """
    header = check(data)
    detail = settled(look.detail, max(header.width_px, header.height_px), engine.input_px)
    photo = decode(data, target_px=decode_target_px(detail, engine.input_px))
    seen = look_at(engine, photo.pixels, prompts, Look(detail, look.flip))
    return Analysis(_facts(photo), tuple(_findings(photo, prompts, seen, engine.manifest, postprocess)))


def _findings(
    photo: Photo, prompts: Sequence[str], seen: Seen, manifest: Manifest, postprocess: Mapping[str, Any]
) -> Iterator[Finding]:
    for prompt, probabilities in zip(prompts, seen.maps, strict=True):
        result = measured(
            probabilities,
            height_px=photo.facts.height_px,
            width_px=photo.facts.width_px,
            gate=manifest.gate_for(prompt).presence,
            postprocess=postprocess,
            view_cells=seen.view_cells,
        )
        png = encode_mask_png(result.mask)
        yield Finding(png, hashlib.sha256(png).hexdigest(), result.numbers, seen.view_cells)


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
