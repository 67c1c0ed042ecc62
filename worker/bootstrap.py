"""Where the worker is put together: settings, resources and tasks become one Celery app."""

from celery import Celery

from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.storage import S3Settings
from worker import tasks
from worker.resources import PerProcess, WorkerSettings

_MAX_CHILD_MEMORY_KIB = 4 * 2**20


def make_app(queue: QueueSettings, settings: WorkerSettings, s3: S3Settings) -> Celery:
    """The worker's Celery app with its tasks."""
    app = make_celery(queue, "worker")
    # A child that grew beyond this is replaced after its task: native libraries leak on hostile photos.
    app.conf.worker_max_memory_per_child = _MAX_CHILD_MEMORY_KIB
    tasks.register(app, PerProcess(settings, s3))
    return app
