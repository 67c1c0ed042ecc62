"""Photos: facts and pictures."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import TypeAdapter

from api.auth import Caller
from api.bootstrap import Services as AllServices
from api.context import Services
from api.paging import Cursor, Limit, begin, page
from api.waiting import IfNoneMatch, matches, not_modified
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError, WallscanError
from wallscan.domain.lifecycle import PhotoState
from wallscan.domain.prompts import MAX_PROMPTS, normal_prompt
from wallscan.photos.decode import decode
from wallscan.photos.masks import decode_mask_png
from wallscan.photos.overlay import overlay_jpeg, thumbnail_jpeg
from wallscan.records import inspections, photos
from wallscan.records.photos import Source, StoredMask
from wallscan.records.session import snapshot, transaction
from wallscan.storage import ObjectMissing, keys
from wallscan.wire.common import Page
from wallscan.wire.uploads import Photo, PhotoChange

router = APIRouter(tags=["photos"])
_BY_PATH: TypeAdapter[tuple[str]] = TypeAdapter(tuple[str])
_THUMBNAIL_PX = 512
_OVERLAY_PX = 1600
_OVERLAY_DECODE_PX = 1200  # the shorter side of a 4:3 picture that long: a quarter of the memory
_PICTURE_AGE_S = 3600


class _Jpeg(Response):
    media_type = "image/jpeg"


class _Png(Response):
    media_type = "image/png"


@router.get("/inspections/{inspection_id}/photos")
def list_photos(
    inspection_id: UUID,
    services: Services,
    caller: Caller,
    state: PhotoState | None = None,
    wall_id: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Photo]:
    """Photos of an inspection by path, without results."""
    begun = begin(cursor, _BY_PATH)
    after = begun[0] if begun else None
    with snapshot(services.engine) as session:
        inspections.site_of(session, caller.sites, inspection_id)
        rows = photos.page(session, inspection_id, state=state, wall_id=wall_id, after=after, limit=limit + 1)
    return page(rows, limit, _BY_PATH, lambda photo: (photo.path,))


@router.get("/photos/{photo_id}")
def get_photo(photo_id: UUID, services: Services, caller: Caller) -> Photo:
    """A photo's facts, its look-alikes and what the active run found."""
    with snapshot(services.engine) as session:
        return photos.get(session, caller.sites, photo_id)


@router.patch("/photos/{photo_id}")
def change_photo(photo_id: UUID, change: PhotoChange, services: Services, caller: Caller) -> Photo:
    """Say how large a photo's pixels are, and which part of it is wall. Runs measure by it from now on."""
    values = change.model_dump(mode="json", exclude_unset=True)
    if change.scale is not None:
        values["scale"] = change.scale.model_dump(mode="json", exclude_none=True)
    with transaction(services.engine) as session:
        return photos.change(session, caller.sites, photo_id, values)


@router.get("/photos/{photo_id}/thumbnail", response_class=_Jpeg)
def get_thumbnail(
    photo_id: UUID, services: Services, caller: Caller, if_none_match: IfNoneMatch = None
) -> Response:
    """A small upright JPEG without metadata."""
    with snapshot(services.engine) as session:
        photo = photos.source(session, caller.sites, photo_id)
    etag = f'"{photo.sha256}-{_THUMBNAIL_PX}"'
    if matches(etag, if_none_match):
        return not_modified(etag)
    data = _bytes(services, photo)
    return _Jpeg(thumbnail_jpeg(data, _THUMBNAIL_PX, services.photo_limits), headers=_cached(etag))


@router.get("/photos/{photo_id}/overlay", response_class=_Jpeg)
def get_overlay(
    photo_id: UUID,
    services: Services,
    caller: Caller,
    prompt: Annotated[list[str], Query(max_length=MAX_PROMPTS, description="all of the run if none")] = [],  # noqa: B006 - FastAPI copies it
    run_id: UUID | None = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The photo with what was found drawn in, a colour a prompt."""
    wanted = [normal_prompt(raw) for raw in prompt]
    with snapshot(services.engine) as session:
        photo = photos.source(session, caller.sites, photo_id)
        found = photos.masks(session, photo, run_id, wanted)
    etag = _overlay_etag(found)
    if matches(etag, if_none_match):
        return not_modified(etag)
    pixels = decode(_bytes(services, photo), services.photo_limits, target_px=_OVERLAY_DECODE_PX).pixels
    drawn = [decode_mask_png(_mask(services, mask)) for mask in found]
    return _Jpeg(overlay_jpeg(pixels, drawn, _OVERLAY_PX), headers=_cached(etag))


@router.get("/photos/{photo_id}/mask", response_class=_Png)
def get_mask(
    photo_id: UUID,
    services: Services,
    caller: Caller,
    prompt: str,
    run_id: UUID | None = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The mask of one prompt: 0 and 255, one channel, the upright photo's own size."""
    with snapshot(services.engine) as session:
        photo = photos.source(session, caller.sites, photo_id)
        (found,) = photos.masks(session, photo, run_id, [normal_prompt(prompt)])
    etag = f'"{found.mask_sha256}"'
    if matches(etag, if_none_match):
        return not_modified(etag)
    return _Png(_mask(services, found), headers=_cached(etag))


def _bytes(services: AllServices, photo: Source) -> bytes:
    """The photo's bytes. Raises PhotoError with the code of a rejected photo, or `photo_not_uploaded`."""
    if photo.state is PhotoState.REJECTED:
        raise PhotoError(Code(photo.code or Code.PHOTO_CORRUPT), photo.detail or "the photo was rejected")
    try:
        return services.store.get(keys.photo(photo.inspection_id, photo.original_id))
    except ObjectMissing as error:
        raise PhotoError(Code.PHOTO_NOT_UPLOADED, "the photo's bytes have not arrived") from error


def _mask(services: AllServices, mask: StoredMask) -> bytes:
    try:
        return services.store.get(mask.mask_key)
    except ObjectMissing as error:
        raise WallscanError(Code.MASK_UNKNOWN, f"storage has lost the mask of {mask.prompt!r}") from error


def _overlay_etag(masks: list[StoredMask]) -> str:
    drawn = "-".join(mask.mask_sha256 for mask in masks)
    return f'"{hashlib.sha256(drawn.encode()).hexdigest()}-{_OVERLAY_PX}"'


def _cached(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": f"private, max-age={_PICTURE_AGE_S}"}
