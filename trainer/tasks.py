"""The trainer's tasks. What opens connections or loads torch is made in the pool's child, never before."""

import logging
import os
import socket
import uuid
from dataclasses import dataclass

from celery import Celery

from wallscan.domain.errors import UnavailableError, WallscanError
from wallscan.jobs.messages import CheckModel, CompareModel, RunTraining
from wallscan.records.session import make_engine
from wallscan.storage import S3ObjectStore, S3Settings

_log = logging.getLogger(__name__)

SOFT_LIMIT_S = 600
HARD_LIMIT_S = SOFT_LIMIT_S + 60
COMPARE_SOFT_LIMIT_S = 4 * 3600
"""Two full-size models on hundreds of photos and their parts, on one core."""
ENDLESS_S = 366 * 24 * 3600
"""A training takes as long as it takes; without a limit of its own it would get the app's."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a training's lease lasts, and how often its checkpoint is stored, in seconds."""

    lease_s: float
    checkpoint_every_s: float


def register(app: Celery, database_url: str, s3: S3Settings, pace: Pace) -> None:
    """Add the trainer's tasks to an app."""

    # Acknowledged early: a bundle that ends its process is rung for again by the sweeper, not at once.
    @app.task(name=CheckModel.task, acks_late=False, soft_time_limit=SOFT_LIMIT_S)
    def check(model_id: str) -> None:
        from trainer.check import check_model  # torch, which must not be touched before the fork

        engine = make_engine(database_url, pool_size=2)
        try:
            check_model(engine, S3ObjectStore(s3), uuid.UUID(model_id))
        except WallscanError as error:
            _log.warning("model %s is not checked: %s", model_id, error)
        finally:
            engine.dispose()

    # Acknowledged early, as above; two models of any make are loaded, so that it may well end its process.
    @app.task(
        name=CompareModel.task,
        acks_late=False,
        soft_time_limit=COMPARE_SOFT_LIMIT_S,
        time_limit=COMPARE_SOFT_LIMIT_S + 60,
    )
    def compare(comparison_id: str) -> None:
        from trainer.compare import compare_model  # torch, which must not be touched before the fork

        engine = make_engine(database_url, pool_size=2)
        try:
            compare_model(engine, S3ObjectStore(s3), uuid.UUID(comparison_id))
        except UnavailableError as error:
            _log.warning("comparison %s is left to the sweeper: %s", comparison_id, error)
        finally:
            engine.dispose()

    # Acknowledged early: however long it takes, the broker never hands it out a second time.
    @app.task(name=RunTraining.task, acks_late=False, time_limit=ENDLESS_S, soft_time_limit=ENDLESS_S)
    def train(training_id: str) -> None:
        from trainer.jobs import Service, run_training  # torch, which must not be touched before the fork

        engine = make_engine(database_url, pool_size=2)
        name = f"{socket.gethostname()}:{os.getpid()}"
        service = Service(engine, S3ObjectStore(s3), name, pace.lease_s, pace.checkpoint_every_s)
        try:
            run_training(service, uuid.UUID(training_id))
        except UnavailableError as error:
            _log.warning("training %s is left to the sweeper: %s", training_id, error)
        finally:
            engine.dispose()
