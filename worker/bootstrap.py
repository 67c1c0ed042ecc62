"""Where the worker is put together: settings, resources and tasks become one Celery app."""

import logging

import numpy as np
from celery import Celery
from celery.signals import worker_process_init

from wallscan.domain.errors import WallscanError
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.measure.measurements import Circumstances, measurements
from wallscan.models.files import read_manifest
from wallscan.models.manifest import bundle_digest
from wallscan.models.starter import starter_bundle
from wallscan.storage import S3Settings
from worker import tasks
from worker.resources import PerProcess, WorkerSettings

_log = logging.getLogger(__name__)

_MAX_CHILD_MEMORY_KIB = 4 * 2**20


def make_app(queue: QueueSettings, settings: WorkerSettings, s3: S3Settings) -> Celery:
    """The worker's Celery app with its tasks."""
    app = make_celery(queue, "worker")
    # A child that grew beyond this is replaced after its task: native libraries leak on hostile photos.
    app.conf.worker_max_memory_per_child = _MAX_CHILD_MEMORY_KIB
    resources = PerProcess(settings, s3)
    tasks.register(app, resources)
    worker_process_init.connect(lambda **_: _warm_up(resources), weak=False)
    return app


def _warm_up(resources: PerProcess) -> None:
    """Load the shipped model and measure a mask before a child's first task.

    Their libraries are imported on the way: a task's time limit that strikes inside an import would leave
    half a module behind, with which the child fails every photo from then on. Where OpenVINO computes, torch
    is not among them.
    """
    crack = np.zeros((8, 24), np.uint8)
    crack[3:5, 2:22] = 255
    measurements(crack, Circumstances(cell_px=1.0, presence=1.0, gate=0.0))
    try:
        manifest = read_manifest(starter_bundle())
        resources().models.engine(bundle_digest(manifest), manifest.model_dump(mode="json"))
    except WallscanError as error:
        _log.warning("the shipped model is not loaded ahead: %s", error)
