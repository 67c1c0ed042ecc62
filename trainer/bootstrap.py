"""Where the trainer service is put together: settings and tasks become one Celery app."""

from celery import Celery
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from trainer import tasks
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import TRAINER_QUEUE
from wallscan.storage import S3Settings


class TrainerSettings(BaseSettings):
    """Settings of the trainer service, each read from the environment variable of the field's name."""

    database_url: SecretStr
    training_lease_s: float = Field(default=60.0, gt=0, description="a dead trainer's training is free after")
    training_checkpoint_every_s: float = Field(default=60.0, ge=0, description="between two in storage")


def make_app(queue: QueueSettings, settings: TrainerSettings, s3: S3Settings) -> Celery:
    """The trainer's Celery app with its tasks, on its own queue."""
    app = make_celery(queue, "trainer", hard_limit_s=tasks.HARD_LIMIT_S)
    app.conf.task_default_queue = TRAINER_QUEUE
    # A message that waits here behind a training of hours would go back to the queue again and again.
    app.conf.worker_disable_prefetch = True
    pace = tasks.Pace(settings.training_lease_s, settings.training_checkpoint_every_s)
    tasks.register(app, settings.database_url.get_secret_value(), s3, pace)
    return app
