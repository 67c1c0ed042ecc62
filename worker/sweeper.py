"""The sweeper: every few seconds, put right what died and ring again for what the queue has lost.

Run as `python -m worker.sweeper`. Any number may run; one sweeps, the others stand by. Nothing it does
is wrong when done twice, and it outlives restarts of the broker and the database.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from celery import Celery
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from wallscan.domain.errors import UnavailableError
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import INSPECT_QUEUE, InspectPhoto, Message
from wallscan.jobs.send import queue_length, send
from wallscan.records import (
    archive_claims,
    comparisons,
    idempotency,
    model_checks,
    runs,
    sweep,
    tasks,
    training_claims,
)
from wallscan.records.session import make_engine, transaction

_log = logging.getLogger(__name__)

_ARCHIVES_A_SWEEP = 50
M = TypeVar("M", bound=Message)


class SweepSettings(BaseSettings):
    """Settings of the sweeper, each read from the environment variable of the field's name."""

    database_url: SecretStr
    sweep_every_s: float = Field(default=2.0, gt=0)
    sweep_window: int = Field(default=200, gt=0, description="messages that are kept waiting in the queue")
    sweep_grace_s: float = Field(default=10.0, gt=0, description="a message younger than this is not missed")
    sweep_check_resend_s: float = Field(
        default=600.0, gt=0, description="a check, comparison or training is rung again after"
    )


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Sweeps with one database engine and one Celery app."""

    engine: Engine
    app: Celery
    settings: SweepSettings

    def sweep(self) -> None:
        """One sweep, unless another sweeper is at it. Raises UnavailableError where a server is down."""
        with transaction(self.engine) as lock:
            if sweep.try_lock(lock):
                self._mend()
                self._ring()

    def _mend(self) -> None:
        with transaction(self.engine) as session:
            requeued = sweep.requeue_expired(session)
            archive_claims.requeue_expired(session)
            sweep.cancel_stragglers(session)
            idempotency.forget(session)
        if requeued:
            _log.warning("%d photos go back to the queue: their workers were lost", requeued)
        with transaction(self.engine) as session:
            finished = sweep.finished_runs(session)
        for run_id in finished:
            with transaction(self.engine) as session:
                runs.complete_if_done(session, run_id)

    def _ring(self) -> None:
        with transaction(self.engine) as session:
            photos = self._photos_due(session, queue_length(self.app, INSPECT_QUEUE))
            archives = archive_claims.due(session, _ARCHIVES_A_SWEEP, 6 * self.settings.sweep_grace_s)
            resend_s = self.settings.sweep_check_resend_s
            checks = model_checks.due(session, resend_s)
            compared = comparisons.due(session, resend_s)
            trained = training_claims.due(session, resend_s)
        self._send(photos, tasks.mark_sent)
        self._send(archives, archive_claims.mark_sent)
        self._send(checks, model_checks.mark_sent)
        self._send(compared, comparisons.mark_sent)
        self._send(trained, training_claims.mark_sent)

    def _photos_due(self, session: Session, waiting: int) -> list[InspectPhoto]:
        """What to send while `waiting` messages are in the queue, so that it never grows over the window.

        More photos sent than messages waiting means that messages were lost. Which ones nobody knows; the
        ones sent the longest ago are the likeliest, and a message too many does no harm.
        """
        room = self.settings.sweep_window - waiting
        lost = min(room, sweep.count_sent(session) - waiting)
        again: list[InspectPhoto] = []
        if lost > 0:
            again = sweep.sent_longest_ago(session, lost, self.settings.sweep_grace_s)
        if room <= len(again):
            return again
        return again + tasks.due(session, room - len(again))

    def _send(self, messages: list[M], mark_sent: Callable[[Session, Sequence[M]], None]) -> None:
        sent = send(self.app, messages) if messages else 0
        with transaction(self.engine) as session:
            mark_sent(session, messages[:sent])


def run(sweeper: Sweeper, stop: Event) -> None:
    """Sweep until told to stop. A server that is down is waited for; it is said once, not every sweep."""
    silent = False
    while not stop.is_set():
        try:
            sweeper.sweep()
        except UnavailableError as error:
            if not silent:
                _log.warning("cannot sweep, trying on: %s", error)
            silent = True
        else:
            silent = False
        stop.wait(sweeper.settings.sweep_every_s)


def main() -> None:
    """Put the sweeper together from the environment and run it until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = SweepSettings()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=2)
    run(Sweeper(engine, make_celery(QueueSettings(), "sweeper"), settings), stop)


if __name__ == "__main__":
    main()
