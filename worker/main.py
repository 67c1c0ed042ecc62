"""What `celery -A worker.main worker` imports; the one module here that reads the environment on import."""

from wallscan.jobs.app import QueueSettings
from wallscan.storage import S3Settings
from worker.bootstrap import make_app
from worker.resources import WorkerSettings

app = make_app(QueueSettings(), WorkerSettings(), S3Settings())
