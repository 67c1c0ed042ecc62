"""The worker's Celery app as it is, but for the engine: photos can harm this one, and it starts at once."""

from tests.worker.harm import HarmedModels
from wallscan.jobs.app import QueueSettings
from wallscan.storage import S3Settings
from worker import resources
from worker.bootstrap import make_app
from worker.resources import WorkerSettings

resources.Models = HarmedModels  # type: ignore[assignment,attr-defined]
app = make_app(QueueSettings(), WorkerSettings(), S3Settings())
