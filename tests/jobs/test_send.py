import json
import socket
import uuid

import pytest
import redis

from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import InspectPhoto, UnpackArchive
from wallscan.jobs.send import queue_length, send


def photos(count: int) -> list[InspectPhoto]:
    return [InspectPhoto(run_id=uuid.uuid4(), photo_id=uuid.uuid4()) for _ in range(count)]


@pytest.fixture
def nobody_listens():
    """A broker's address where every connection is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{held.getsockname()[1]}/0"


@pytest.fixture
def nobody_answers():
    """A broker's address that takes connections and then says nothing, like one that is frozen."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


def test_messages_wait_in_their_queue_as_ids(redis_url):
    app = make_celery(QueueSettings(redis_url=redis_url), "an-app")
    messages = photos(3)
    assert send(app, messages) == 3
    assert queue_length(app, "inspect") == 3
    with redis.Redis.from_url(redis_url) as client:
        headers = json.loads(client.lindex("inspect", -1))["headers"]
    assert headers["task"] == "wallscan.inspect_photo"
    assert str(messages[0].photo_id) in headers["kwargsrepr"]


def test_each_kind_goes_to_its_own_queue(redis_url):
    app = make_celery(QueueSettings(redis_url=redis_url), "an-app")
    send(app, [UnpackArchive(archive_id=uuid.uuid4()), *photos(1)])
    assert (queue_length(app, "intake"), queue_length(app, "inspect")) == (1, 1)


def test_a_flushed_broker_takes_messages_again(redis_url):
    app = make_celery(QueueSettings(redis_url=redis_url), "an-app")
    send(app, photos(2))
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    assert send(app, photos(2)) == 2
    assert queue_length(app, "inspect") == 2


def test_a_broker_that_is_away_takes_nothing_and_is_no_error(nobody_listens):
    assert send(make_celery(QueueSettings(redis_url=nobody_listens), "an-app"), photos(2)) == 0


def test_a_frozen_broker_takes_nothing_and_is_no_error(nobody_answers):
    app = make_celery(QueueSettings(redis_url=nobody_answers), "an-app")
    app.conf.broker_transport_options |= {"socket_timeout": 0.2}
    assert send(app, photos(2)) == 0


def test_a_full_broker_takes_nothing_and_is_no_error(redis_url):
    app = make_celery(QueueSettings(redis_url=redis_url), "an-app")
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", 1)
        try:
            assert send(app, photos(2)) == 0
        finally:
            client.config_set("maxmemory", 0)
    assert send(app, photos(2)) == 2


def test_the_length_of_a_queue_nobody_can_see(nobody_listens):
    app = make_celery(QueueSettings(redis_url=nobody_listens), "an-app")
    with pytest.raises(UnavailableError) as refused:
        queue_length(app, "inspect")
    assert refused.value.code is Code.BROKER_UNAVAILABLE
