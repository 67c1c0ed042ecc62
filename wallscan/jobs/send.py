"""Sending messages: after the commit, best effort; what is not sent here the sweeper sends later."""

from collections.abc import Sequence

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError
from wallscan.jobs.messages import Message


def send(app: Celery, messages: Sequence[Message]) -> int:
    """Publish messages over one connection and return how many the broker took.

    A broker that is away, frozen or full is no error: the rows are committed, and the sweeper rings again.
    """
    sent = 0
    try:
        with app.producer_or_acquire() as producer:
            for message in messages:
                app.send_task(
                    message.task,
                    kwargs=message.model_dump(mode="json"),
                    queue=message.queue,
                    producer=producer,
                    retry=False,
                    ignore_result=True,
                )
                sent += 1
    except (OperationalError, redis.RedisError, OSError):
        return sent
    return sent


def queue_length(app: Celery, queue: str) -> int:
    """Messages that wait in a queue; those that a worker has taken are not counted.

    Raises UnavailableError `broker_unavailable`.
    """
    client = redis.Redis.from_url(app.conf.broker_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        with client:
            return int(client.llen(queue))
    except (redis.RedisError, OSError) as error:
        raise UnavailableError(
            Code.BROKER_UNAVAILABLE, f"the broker does not answer: {type(error).__name__}"
        ) from error
