"""Photos coming in: which are new, which are here already, which cannot be taken.

The rules, within one inspection: a path holds one photo, and only a rejected photo gives its path to
another; the same bytes are kept once, under the first photo that brought them, and every further path
is a link to it (`duplicate_of_id`) whose state follows. An id stands for the same bytes for good, for storage
keeps them under it. What becomes of the bytes is in `records.arrivals`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import PhotoState
from wallscan.records import inspections, walls
from wallscan.records.tables import Photo

WallIds = dict[str, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not taken."""

    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file handed in. `path` is normal (`domain.walls`); `wall` is None where it has no legal name."""

    path: str
    wall: str | None
    size_bytes: int
    sha256: str | None  # hex; None where the file is refused unread
    refusal: Refusal | None = None
    wall_must_exist: bool = False  # otherwise the site gets a new wall of this name


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a candidate.

    The bytes belong under the key of photo `original_id`; `awaits_bytes` says that they are not there yet.
    """

    outcome: Literal["upload", "stored", "duplicate", "rejected"]
    photo_id: uuid.UUID | None = None
    original_id: uuid.UUID | None = None
    awaits_bytes: bool = False
    announced_before: bool = False  # with these bytes, in an earlier call: they may be there meanwhile
    refusal: Refusal | None = None


def place(
    session: Session,
    inspection_id: uuid.UUID,
    candidates: Sequence[Candidate],
    archive_id: uuid.UUID | None = None,
) -> list[Placed]:
    """Give every candidate its place; one answer each, in their order.

    New photos are `expected`: put the bytes into storage, then call `arrivals.arrived`. Refused files are
    kept as rejected photos, unless a usable photo is at their path. Raises WallscanError
    `inspection_unknown`.
    """
    site_id = inspections.lock(session, inspection_id)
    checked = _checked(session, site_id, candidates)
    made = walls.ensure(session, site_id, {one.wall for one in checked if one.wall is not None})
    desk = _Desk(inspection_id, archive_id, made)
    desk.read(session, checked)
    placed = [desk.place(candidate) for candidate in checked]
    desk.write(session)
    return placed


def _checked(session: Session, site_id: uuid.UUID, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Refuse the candidates whose wall must exist and does not."""
    asked = {one.wall for one in candidates if one.wall_must_exist and one.wall is not None}
    known = walls.known(session, site_id, asked)
    return [
        one if not one.wall_must_exist or one.wall in known or one.wall is None else _without_wall(one)
        for one in candidates
    ]


def _without_wall(candidate: Candidate) -> Candidate:
    refusal = Refusal(Code.WALL_UNKNOWN, f"the site has no wall named {candidate.wall!r}")
    return Candidate(
        candidate.path, None, candidate.size_bytes, candidate.sha256, candidate.refusal or refusal
    )


@dataclass(slots=True)
class _Known:
    """What the desk knows of a photo at a path."""

    id: uuid.UUID
    state: PhotoState
    sha256: str | None
    duplicate_of_id: uuid.UUID | None


@dataclass(slots=True)
class _Desk:
    """Places candidates one by one against all that is known, and writes the rows in bulk."""

    inspection_id: uuid.UUID
    archive_id: uuid.UUID | None
    walls: WallIds
    by_path: dict[str, _Known] = field(default_factory=dict)
    originals: dict[str, _Known] = field(default_factory=dict)  # by hash
    new: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)
    replaced: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)
    gone: list[uuid.UUID] = field(default_factory=list)

    def read(self, session: Session, candidates: Sequence[Candidate]) -> None:
        """Learn of the photos that share a path or a hash with a candidate."""
        paths = [one.path for one in candidates]
        hashes = [one.sha256 for one in candidates if one.sha256 is not None]
        rows = session.execute(
            select(Photo.path, Photo.id, Photo.state, Photo.sha256, Photo.duplicate_of_id).where(
                Photo.inspection_id == self.inspection_id,
                or_(Photo.path.in_(paths), Photo.sha256.in_(hashes)),
            )
        )
        for path, photo_id, state, sha256, duplicate_of_id in rows:
            self._learn(path, _Known(photo_id, state, sha256, duplicate_of_id))

    def _learn(self, path: str, photo: _Known) -> None:
        self.by_path[path] = photo
        usable = photo.state is not PhotoState.REJECTED and photo.duplicate_of_id is None
        if usable and photo.sha256 is not None:
            self.originals[photo.sha256] = photo

    def place(self, candidate: Candidate) -> Placed:
        """The candidate's place, by the rules of this module."""
        there = self.by_path.get(candidate.path)
        if there is not None and there.state is not PhotoState.REJECTED:
            return self._again(there, candidate)
        if candidate.refusal is not None:
            photo = self._row(there, candidate, PhotoState.REJECTED)
            return Placed("rejected", photo.id, refusal=candidate.refusal)
        original = self.originals.get(candidate.sha256 or "")
        if original is None:
            photo = self._row(there, candidate, PhotoState.EXPECTED)
            again = there is not None and there.sha256 == photo.sha256 and photo.id in self.replaced
            return Placed("upload", photo.id, photo.id, awaits_bytes=True, announced_before=again)
        photo = self._row(there, candidate, original.state, original.id)
        return self._link(photo)

    def _again(self, there: _Known, candidate: Candidate) -> Placed:
        """A path that holds a usable photo already: only the same bytes may come again."""
        if candidate.refusal is not None:
            return Placed("rejected", refusal=candidate.refusal)
        if there.sha256 != candidate.sha256:
            return Placed(
                "rejected", refusal=Refusal(Code.PATH_CONFLICT, "another photo is already at this path")
            )
        if there.duplicate_of_id is None and there.state is PhotoState.EXPECTED:
            earlier = there.id not in self.new and there.id not in self.replaced
            return Placed("upload", there.id, there.id, awaits_bytes=True, announced_before=earlier)
        return self._link(there)

    @staticmethod
    def _link(photo: _Known) -> Placed:
        waits = photo.state is PhotoState.EXPECTED
        return Placed("duplicate", photo.id, photo.duplicate_of_id or photo.id, awaits_bytes=waits)

    def _row(
        self,
        there: _Known | None,
        candidate: Candidate,
        state: PhotoState,
        duplicate_of_id: uuid.UUID | None = None,
    ) -> _Known:
        there = self._same_bytes(there, candidate)
        photo = _Known(there.id if there else uuid.uuid4(), state, candidate.sha256, duplicate_of_id)
        refusal = candidate.refusal
        row = {
            "id": photo.id,
            "wall_id": self.walls.get(candidate.wall) if candidate.wall is not None else None,
            "archive_id": self.archive_id,
            "state": state,
            "code": refusal.code if refusal else None,
            "detail": refusal.detail if refusal else None,
            "sha256": candidate.sha256,
            "size_bytes": candidate.size_bytes,
            "duplicate_of_id": duplicate_of_id,
        }
        if there is not None and self.new.pop(photo.id, None) is None:
            self.replaced[photo.id] = row
        else:  # popped above, so that a link comes after the row that it points to
            self.new[photo.id] = row | {"inspection_id": self.inspection_id, "path": candidate.path}
        self._learn(candidate.path, photo)
        return photo

    def _same_bytes(self, there: _Known | None, candidate: Candidate) -> _Known | None:
        """The rejected photo whose row the candidate takes over: not one whose bytes may be in storage."""
        if there is None or there.id in self.new or there.sha256 in (None, candidate.sha256):
            return there
        self.replaced.pop(there.id, None)
        self.gone.append(there.id)
        return None

    def write(self, session: Session) -> None:
        """Write all rows; links after the rows that they point to, which their order ensures."""
        if self.gone:
            session.execute(delete(Photo).where(Photo.id.in_(self.gone)))
        if self.new:
            session.execute(insert(Photo), list(self.new.values()))
        if self.replaced:
            session.execute(update(Photo), list(self.replaced.values()))
