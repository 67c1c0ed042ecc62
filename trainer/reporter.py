"""What a training tells the database while it goes on, and how it learns that it is to stop."""

import logging
import math
import time
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Engine

from trainer.stored_checkpoints import ClaimLostError, StoredCheckpoints
from trainer.watch import Epoch
from wallscan.domain.errors import UnavailableError
from wallscan.domain.lifecycle import TrainingState
from wallscan.records import training_claims
from wallscan.records.session import transaction
from wallscan.records.training_claims import TrainingClaim
from wallscan.wire.trainings import TrainingEpoch

_log = logging.getLogger(__name__)

TELL_EVERY_S = 1.0


class Reporter:
    """A `Watcher` that writes under a claim. A server that is away for a while only delays what it tells."""

    def __init__(
        self,
        engine: Engine,
        claim: TrainingClaim,
        checkpoints: StoredCheckpoints,
        lease_s: float,
        checkpoint_every_s: float,
    ) -> None:
        self._engine, self._claim, self._checkpoints = engine, claim, checkpoints
        self._lease_s, self._checkpoint_every_s = lease_s, checkpoint_every_s
        self._lost = Event()
        self._cancelling = False
        self._untold: list[TrainingEpoch] = []
        self._progress: dict[str, float | dict[str, Any] | None] = {}
        self._first_step: int | None = None
        self._at = 0, 0  # the step, and the last of its kind: a teacher's count up to 0, the model's from 1
        self._began = self._told_at = self._saved_at = time.monotonic()

    def extend(self) -> bool:
        """Hold the claim, from another thread; false where it was lost. Raises UnavailableError."""
        with transaction(self._engine) as session:
            kept = training_claims.extend(session, self._claim, self._lease_s)
        if not kept:
            self._lost.set()
        return kept

    def prepared(self, what: str, done: int, total: int) -> None:
        """See `Watcher.prepared`."""
        self._at = done - total, 0
        self._progress = {"preparation": {"what": what, "done": done, "total": total}}
        self._tell()

    def taught(self, valid_iou: float) -> None:
        """See `Watcher.taught`."""
        _log.info("training %s: the teacher's IoU on the photos held out is %.4f", self._claim.id, valid_iou)

    def stepped(self, step: int, steps: int, loss: float) -> None:
        """See `Watcher.stepped`. Raises ClaimLostError."""
        self._at = step, steps
        now = time.monotonic()
        if self._first_step is None:
            self._first_step, self._began = step, now
        done = step - self._first_step
        pace_s = (now - self._began) / done if done else None
        self._progress = {
            "preparation": None,
            "step": step,
            "steps": steps,
            "loss": _finite(loss),
            "eta_s": None if pace_s is None else pace_s * (steps - step),
        }
        self._tell(at_once=step == steps)

    def epoch_ended(self, epoch: Epoch) -> None:
        """See `Watcher.epoch_ended`. Raises ClaimLostError."""
        self._untold.append(
            TrainingEpoch(
                number=epoch.number,
                step=epoch.step,
                train_loss=_finite(epoch.train_loss),
                valid_loss=_finite(epoch.valid_loss),
                valid_iou=_finite(epoch.valid_iou),
                learning_rate=epoch.learning_rate,
                seconds=epoch.seconds,
            )
        )
        self._tell(at_once=True)

    def saved(self, folder: Path) -> None:
        """Store the checkpoint: every so often, at the end, and where a better epoch is in it.

        Raises ClaimLostError.
        """
        due = time.monotonic() - self._saved_at >= self._checkpoint_every_s
        step, last = self._at
        if not (due or step == last or self._checkpoints.is_best_new(folder)):
            return
        try:
            self._checkpoints.save(folder, step)
            self._saved_at = time.monotonic()
        except UnavailableError as error:
            _log.warning("training %s: the checkpoint is stored later: %s", self._claim.id, error)

    def cancelled(self) -> bool:
        """See `Watcher.cancelled`. With a best epoch to publish, not before the loop that publishes it."""
        return self._cancelling and (self._first_step is not None or not self._checkpoints.has_best)

    def publishing(self) -> None:
        """See `Watcher.publishing`. The last step was told at once."""

    def flush(self) -> None:
        """Tell what is left. Raises ClaimLostError, UnavailableError."""
        with transaction(self._engine) as session:
            state = training_claims.advance(session, self._claim, self._untold, **self._progress)
        if state is None:
            raise ClaimLostError
        self._untold.clear()
        self._cancelling = state is TrainingState.CANCELLING

    def _tell(self, *, at_once: bool = False) -> None:
        if self._lost.is_set():
            raise ClaimLostError
        if not at_once and time.monotonic() - self._told_at < TELL_EVERY_S:
            return
        try:
            self.flush()
        except UnavailableError as error:
            _log.warning("training %s: progress is told later: %s", self._claim.id, error)
        self._told_at = time.monotonic()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
