"""One photo: bytes in, masks and numbers out. No input or output here, and nothing remembered."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wallscan.domain.area import Basis, wall_prompt
from wallscan.domain.looks import DEFAULT_LOOK, Detail, Look, settled
from wallscan.domain.review import ReviewReason
from wallscan.measure import Measured, Measurements, Numbers, measured
from wallscan.measure.area import closed
from wallscan.measure.measurements import Circumstances, measurements
from wallscan.measure.numbers import within
from wallscan.measure.scale import Plane
from wallscan.models.manifest import Manifest
from wallscan.photos.decode import Photo, check, decode
from wallscan.photos.hashing import perceptual_hash
from wallscan.photos.maps import encode_map_png
from wallscan.photos.masks import empty_mask_png, encode_mask_png
from wallscan.records.tasks import PhotoFacts
from wallscan.segment.engine import Engine
from wallscan.segment.tiles import Seen, decode_target_px, look_at
from worker.recorded import RecordedMaps
from worker.scene import NO_HINTS, Hints, Scene, plane_of, scene_of


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one prompt: a PNG of the upright photo's size, 0 or 255, its numbers, and its map.

    `view_cells` is that of the map they were made from, see `wallscan.segment.tiles.Seen`.
    """

    mask_png: bytes
    mask_sha256: str
    map_png: bytes
    map_sha256: str
    view_cells: int
    numbers: Numbers
    measurements: Measurements
    basis: Basis


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is learnt from one photo; findings in the order of the prompts."""

    facts: PhotoFacts
    findings: tuple[Finding, ...]
    runtime: str


def analyse(
    data: bytes,
    prompts: Sequence[str],
    source: Engine | RecordedMaps,
    postprocess: Mapping[str, Any],
    look: Look = DEFAULT_LOOK,
    hints: Hints = NO_HINTS,
) -> Analysis:
    """Decode a photo once, encode each view of it once, and find what each prompt names.

    Maps of an earlier run in the place of a model are measured as they are. Raises PhotoError (the photo
    cannot be used), PromptError (the model cannot read a prompt), InferenceError (the model answered no
    probabilities) or PipelineError (`postprocess` is none).
    """
    plane = plane_of(data, hints.scale)
    detail = _detail(data, source, look, plane)
    photo = decode(data, target_px=decode_target_px(detail, source.input_px))
    if isinstance(source, RecordedMaps):
        seen = source.seen
    else:
        seen = look_at(source, photo.pixels, prompts, Look(detail, look.flip))
    scene = scene_of(photo, plane, hints)
    findings = tuple(_findings(photo, prompts, seen, source.manifest, postprocess, scene))
    return Analysis(_facts(photo), findings, str(source.runtime))


def _detail(
    data: bytes, source: Engine | RecordedMaps, look: Look, plane: Plane | ReviewReason | None
) -> Detail:
    """How closely this photo is looked at, or was: never AUTO."""
    if look.detail is not Detail.AUTO:
        return look.detail
    if isinstance(source, RecordedMaps):
        return source.detail
    header = check(data)
    mm_per_px = plane.mm_per_px if isinstance(plane, Plane) else None
    return settled(max(header.width_px, header.height_px), source.input_px, mm_per_px)


def _findings(
    photo: Photo,
    prompts: Sequence[str],
    seen: Seen,
    manifest: Manifest,
    postprocess: Mapping[str, Any],
    scene: Scene,
) -> Iterator[Finding]:
    height_px, width_px = photo.facts.height_px, photo.facts.width_px
    cell_px = max(height_px / seen.maps.shape[1], width_px / seen.maps.shape[2])

    def result(place: int) -> Measured:
        return measured(
            seen.maps[place],
            height_px=height_px,
            width_px=width_px,
            gate=manifest.gate_for(prompts[place]),
            postprocess=postprocess,
            view_cells=seen.view_cells,
            estimate=seen.as_fitted,
        )

    of_wall = wall_prompt(prompts)
    wall, found_before = scene.polygon, dict[int, Measured]()
    if scene.polygon is None and of_wall is not None and len(prompts) > 1:
        found_before[of_wall] = result(of_wall)
        found_wall = closed(found_before[of_wall].mask)
        wall = found_wall if found_wall.any() else None
    for place, prompt in enumerate(prompts):
        found = found_before.get(place) or result(place)
        # What the wall prompt itself found is a share of the photo, or of the polygon.
        area = scene.polygon if place == of_wall else wall
        circumstances = Circumstances(
            cell_px=cell_px,
            presence=found.numbers.presence,
            gate=manifest.gate_for(prompt).presence,
            plane=scene.plane,
            reasons=scene.reasons,
        )
        yield _finding(found, seen.view_cells, circumstances, area, scene)


def _finding(
    found: Measured,
    view_cells: int,
    circumstances: Circumstances,
    area: NDArray[np.uint8] | None,
    scene: Scene,
) -> Finding:
    """The mask stays whole; what is counted and measured of it lies in `area`, where there is one."""
    mask = encode_mask_png(found.mask) if found.numbers.foreground_px else empty_mask_png(*found.mask.shape)
    levels = encode_map_png(found.levels)
    return Finding(
        mask_png=mask,
        mask_sha256=_sha256(mask),
        map_png=levels,
        map_sha256=_sha256(levels),
        view_cells=view_cells,
        numbers=found.numbers if area is None else within(found.numbers, found.mask, area),
        measurements=measurements(found.mask, circumstances, area),
        basis=scene.named(area),
    )


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
