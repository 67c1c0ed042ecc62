"""The tasks by name: each takes its message apart and calls what does the work."""

import logging
import uuid

from celery import Celery

from wallscan.domain.errors import UnavailableError
from wallscan.jobs.messages import InspectPhoto, UnpackArchive
from worker.archives import unpack_archive
from worker.photos import inspect_photo
from worker.resources import PerProcess

_log = logging.getLogger(__name__)

_UNPACK_LIMIT_S = 3600


def register(app: Celery, resources: PerProcess) -> None:
    """Add the worker's tasks to an app."""

    @app.task(name=InspectPhoto.task)
    def inspect(run_id: str, photo_id: str) -> None:
        try:
            inspect_photo(resources(), uuid.UUID(run_id), uuid.UUID(photo_id))
        except UnavailableError as error:
            _log.warning("photo %s of run %s is left to the sweeper: %s", photo_id, run_id, error)

    @app.task(name=UnpackArchive.task, time_limit=_UNPACK_LIMIT_S, soft_time_limit=_UNPACK_LIMIT_S - 60)
    def unpack(archive_id: str) -> None:
        try:
            unpack_archive(resources(), uuid.UUID(archive_id))
        except UnavailableError as error:
            _log.warning("archive %s is left to the sweeper: %s", archive_id, error)
