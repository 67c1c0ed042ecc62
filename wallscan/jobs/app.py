"""The one Celery app factory. Every setting that is not Celery's default says why."""

from celery import Celery
from pydantic import Field
from pydantic_settings import BaseSettings

from wallscan.jobs.messages import INSPECT_QUEUE


class QueueSettings(BaseSettings):
    """The broker and the time limits of tasks, read from the environment by the bootstraps."""

    redis_url: str = Field(default="redis://127.0.0.1:6379/0")
    task_time_limit_s: int = Field(default=120, gt=0, description="a photo's hard limit; its child is killed")


def make_celery(settings: QueueSettings, name: str, hard_limit_s: int | None = None) -> Celery:
    """A Celery app on Redis or Valkey, set up so that a lost message loses nothing.

    `hard_limit_s` overrides the photo's time limit for apps whose tasks take longer, in seconds.
    """
    limit_s = hard_limit_s or settings.task_time_limit_s
    app = Celery(name, broker=settings.redis_url)
    app.conf.update(
        task_default_queue=INSPECT_QUEUE,
        task_ignore_result=True,  # results are rows
        task_acks_late=True,
        # With True a photo that kills its worker would be redelivered for ever; the sweeper counts tries.
        task_reject_on_worker_lost=False,
        task_time_limit=limit_s,
        # Raised inside the task first, which can then say that time was the reason.
        task_soft_time_limit=max(1, limit_s * 9 // 10),
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # The model loads in the child: at the default of 4 s a slow load wedges the worker for good. Minutes
        # are for a machine so busy that importing torch takes as long.
        worker_proc_alive_timeout=600,
        worker_soft_shutdown_timeout=30.0,
        worker_enable_soft_shutdown_on_idle=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_transport_options={
            "visibility_timeout": max(3600, 4 * limit_s),  # a task that outlives it runs again and again
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app
