"""What `celery -A trainer.main worker` imports; the one module here that reads the environment on import."""

from trainer.bootstrap import TrainerSettings, make_app
from wallscan.jobs.app import QueueSettings
from wallscan.storage import S3Settings

app = make_app(QueueSettings(), TrainerSettings(), S3Settings())
