"""Handing photos in: manifests, outcomes per file, archives."""

import datetime as dt
import uuid
from typing import Literal

from pydantic import Field

from wallscan.domain.lifecycle import ArchiveState, PhotoState
from wallscan.wire.common import Body
from wallscan.wire.measured import MeasuredNumbers
from wallscan.wire.scale import PointPx, Scale

MAX_MANIFEST_FILES = 1000
MAX_PHOTO_BYTES = 64 * 2**20
MAX_ARCHIVE_BYTES = 4 * 2**30


class ManifestFile(Body):
    """A file that the client is about to upload. Its first folder names its wall unless `wall` does."""

    path: str
    size_bytes: int = Field(ge=0, le=2**53)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    wall: str | None = Field(default=None, description="name of an existing wall of the site")


class Manifest(Body):
    """Up to `MAX_MANIFEST_FILES` files; send several manifests for more."""

    files: list[ManifestFile] = Field(min_length=1, max_length=MAX_MANIFEST_FILES)


class UploadTarget(Body):
    """Where to PUT the bytes, with exactly these headers, before `expires_at`."""

    url: str
    headers: dict[str, str]
    expires_at: dt.datetime


class FileOutcome(Body):
    """What became of one file.

    `upload`: PUT it to `target`. `stored`: its bytes are in. `duplicate`: the same bytes are already in
    this inspection (as `duplicate_of`), nothing to send. `rejected`: see `code`; the others go on.
    """

    path: str
    outcome: Literal["upload", "stored", "duplicate", "rejected"]
    photo_id: uuid.UUID | None = None
    target: UploadTarget | None = None
    duplicate_of: uuid.UUID | None = None
    code: str | None = None
    detail: str | None = None


class UploadOutcomes(Body):
    """One outcome a file, in the order of the request."""

    files: list[FileOutcome]


class FirstError(Body):
    """One of the first failures, for a person to look at."""

    photo_id: uuid.UUID | None
    path: str
    code: str
    detail: str | None


class Archive(Body):
    """A zip file handed in and how far its unpacking has come."""

    id: uuid.UUID
    inspection_id: uuid.UUID
    file_name: str
    state: ArchiveState
    percent: float = Field(ge=0, le=100)
    entries_total: int | None
    entries_done: int
    stored: int
    duplicate: int
    rejected: int
    ignored: int
    errors: list[FirstError]
    code: str | None
    detail: str | None
    created_at: dt.datetime


class PhotoChange(Body):
    """What a person says of a photo. A field that is not sent stays; null takes back what was said."""

    scale: Scale | None = Field(default=None, description="how large its pixels are; default: the run's")
    wall_polygon_px: list[PointPx] | None = Field(
        default=None,
        min_length=3,
        max_length=200,
        description="corners of the wall, x and y, in upright pixels",
    )


class PhotoResult(MeasuredNumbers):
    """What a run found on a photo for one prompt."""

    run_id: uuid.UUID
    prompt: str
    coverage_pct: float
    foreground_px: int
    analysed_px: int
    presence: float
    max_probability: float
    threshold: float | None
    components: int
    orientation_coherence: float | None = Field(default=None, description="1: all parallel, 0: all ways")
    orientation_histogram_pct: list[float] | None = Field(
        default=None, description="share of the length in 12 bins of 15 degrees, the first around 0"
    )
    largest_crack_length_px: float | None = None
    largest_crack_polyline_px: list[PointPx] | None = Field(
        default=None, description="its longest way, x and y, in upright pixels"
    )


class Photo(Body):
    """A photo's facts; sizes are of the upright photo. Results are the active run's."""

    id: uuid.UUID
    inspection_id: uuid.UUID
    wall_id: uuid.UUID | None
    wall: str | None
    path: str
    state: PhotoState
    code: str | None
    detail: str | None
    sha256: str | None
    size_bytes: int | None
    duplicate_of: uuid.UUID | None
    look_alikes: list[uuid.UUID] = Field(
        default=[], description="other photos of the inspection that look nearly the same"
    )
    media_type: str | None
    width_px: int | None
    height_px: int | None
    taken_at: dt.datetime | None
    camera: str | None
    scale: Scale | None = None
    wall_polygon_px: list[PointPx] | None = None
    created_at: dt.datetime
    results: list[PhotoResult] = Field(default=[])
