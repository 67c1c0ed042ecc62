"""One photo: bytes in, masks and numbers out. No input or output here, and nothing remembered."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.area import Basis, wall_prompt
from wallscan.measure import Measured, Measurements, Numbers, measured
from wallscan.measure.area import filled
from wallscan.measure.measurements import Circumstances, measurements
from wallscan.measure.numbers import within
from wallscan.photos.decode import Photo, decode
from wallscan.photos.hashing import perceptual_hash
from wallscan.photos.masks import encode_mask_png
from wallscan.records.tasks import PhotoFacts
from wallscan.segment.engine import Engine
from worker.scene import NO_HINTS, Hints, Scene, look


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one prompt: a PNG of the upright photo's size, 0 or 255, and its numbers."""

    mask_png: bytes
    mask_sha256: str
    numbers: Numbers
    measurements: Measurements
    basis: Basis


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
    hints: Hints = NO_HINTS,
) -> Analysis:
    """Decode a photo once, encode it once, and find what each prompt names.

    Raises PhotoError (the photo cannot be used), PromptError (the model cannot read a prompt) or
    InferenceError (the model answered no probabilities).
    """
    # Twice the network's input keeps what its own area-averaging needs, at a third of the time.
    photo = decode(data, target_px=2 * engine.input_px)
    maps = engine.probabilities(photo.pixels, prompts)
    scene = look(data, photo, hints)
    return Analysis(_facts(photo), tuple(_findings(photo, prompts, maps, engine, postprocess, scene)))


def _findings(
    photo: Photo,
    prompts: Sequence[str],
    maps: NDArray[np.float32],
    engine: Engine,
    postprocess: Mapping[str, Any],
    scene: Scene,
) -> Iterator[Finding]:
    height_px, width_px = photo.facts.height_px, photo.facts.width_px
    cell_px = max(height_px / maps.shape[1], width_px / maps.shape[2])

    def result(place: int) -> Measured:
        return measured(
            maps[place],
            height_px=height_px,
            width_px=width_px,
            gate=engine.manifest.gate_for(prompts[place]).presence,
            postprocess=postprocess,
        )

    of_wall = wall_prompt(prompts)
    wall = scene.polygon
    if wall is None and of_wall is not None and len(prompts) > 1:
        wall = filled(result(of_wall).mask)
    for place, prompt in enumerate(prompts):
        found = result(place)
        # What the wall prompt itself found is a share of the photo, or of the polygon.
        area = scene.polygon if place == of_wall else wall
        circumstances = Circumstances(
            cell_px=cell_px,
            presence=found.numbers.presence,
            gate=engine.manifest.gate_for(prompt).presence,
            plane=scene.plane,
            reasons=scene.reasons,
        )
        yield _finding(found, circumstances, area if area is not None and area.any() else None, scene)


def _finding(
    found: Measured, circumstances: Circumstances, area: NDArray[np.uint8] | None, scene: Scene
) -> Finding:
    """The mask stays whole; what is counted and measured of it lies in `area`, where there is one."""
    png = encode_mask_png(found.mask)
    return Finding(
        mask_png=png,
        mask_sha256=hashlib.sha256(png).hexdigest(),
        numbers=found.numbers if area is None else within(found.numbers, found.mask, area),
        measurements=measurements(found.mask, circumstances, area),
        basis=scene.named(area),
    )


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
