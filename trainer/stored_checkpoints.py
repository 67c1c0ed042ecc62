"""A training's checkpoints in storage, so that any trainer can go on from them."""

import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from trainer.checkpoint import BEST, LAST
from trainer.claim import CLAIM
from trainer.teacher import FILE as TEACHER
from wallscan.models.files import CURVES
from wallscan.records import training_claims
from wallscan.records.session import transaction
from wallscan.records.training_claims import TrainingClaim
from wallscan.storage import ObjectStore, keys

_TYPE = "application/octet-stream"
_FILES = (LAST, BEST, CURVES, CLAIM, TEACHER)
"""All that going on in the same precision and publishing need, so that a trainer can take over even then."""


class ClaimLostError(Exception):
    """Raised when another trainer has taken over: this one stops, and writes nothing."""


class StoredCheckpoints:
    """The files of the latest checkpoint: what the row names is whole, and what it does not name is nothing.

    New files go to new keys, then the row names them, then the old ones are deleted.
    """

    def __init__(self, engine: Engine, store: ObjectStore, claim: TrainingClaim) -> None:
        self._engine, self._store, self._claim = engine, store, claim
        self._places: dict[str, tuple[int, int]] = {}  # name: attempt and step of its key
        for name, (attempt, step) in (claim.checkpoint or {}).get("files", {}).items():
            self._places[name] = attempt, step
        self._known: dict[str, tuple[int, int]] = {}  # name: what tells the file from a later one

    @property
    def has_best(self) -> bool:
        """Whether an epoch had ended before the latest checkpoint."""
        return BEST in self._places

    def is_best_new(self, work: Path) -> bool:
        """Whether the best epoch in `work` is another than storage has."""
        return (work / BEST).is_file() and self._known.get(BEST) != _identity(work / BEST)

    def restore(self, work: Path) -> None:
        """Fetch the latest checkpoint into `work`. Raises ObjectMissing, UnavailableError."""
        work.mkdir(parents=True, exist_ok=True)
        for name, place in self._places.items():
            self._store.download(self._key(name, place), work / name)
            self._known[name] = _identity(work / name)

    def save(self, work: Path, step: int) -> None:
        """Put the checkpoint that lies in `work` after `step` steps in the place of the one before.

        Raises ClaimLostError, UnavailableError.
        """
        places, known = dict(self._places), dict(self._known)
        place = self._claim.attempt, step
        for name in _FILES:
            path = work / name
            if path.is_file() and known.get(name) != _identity(path):
                known[name], places[name] = _identity(path), place
                self._store.put_file(self._key(name, place), path, _TYPE)
        if not self._record(places, step):
            self._store.delete_many(self._key(name, place) for name in places if places[name] == place)
            raise ClaimLostError
        old = [self._key(name, was) for name, was in self._places.items() if places[name] != was]
        self._places, self._known = places, known
        self._store.delete_many(old)

    def _record(self, places: dict[str, tuple[int, int]], step: int) -> bool:
        checkpoint: dict[str, Any] = {
            "attempt": self._claim.attempt, "step": step, "files": places, "best": BEST in places
        }  # fmt: skip
        with transaction(self._engine) as session:
            return training_claims.checkpointed(session, self._claim, checkpoint)

    def _key(self, name: str, place: tuple[int, int]) -> str:
        return keys.checkpoint(self._claim.id, *place, name)


def clear_ended(engine: Engine, store: ObjectStore, training_id: uuid.UUID) -> None:
    """Delete the checkpoints of this training and of all others that have ended.

    Of all others, because a process that lost its claim may store files after the end, and die before it
    takes them away. Raises UnavailableError.
    """
    stored = {keys.training_of(key) for key in store.list(keys.trainings())}
    with transaction(engine) as session:
        over = training_claims.ended(session, stored | {training_id})
    for one in over:
        store.delete_many(store.list(keys.training(one)))
    with transaction(engine) as session:
        training_claims.cleared(session, over)


def _identity(path: Path) -> tuple[int, int]:
    """Checkpoints are replaced as a whole, never written to, so that each has a time of its own."""
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size
