from threading import Event, Thread

import pytest
import redis
from celery import Celery
from sqlalchemy import Engine, func, select, update

from tests.local.processes import eventually
from tests.records.given import FACTS, claimed, given_inspection, given_model, given_run, results
from tests.records.test_trainings import claimed as claimed_training
from tests.records.test_trainings import given_training, let_lease_run_out
from wallscan.domain.errors import UnavailableError
from wallscan.domain.lifecycle import ArchiveState, ModelState, RunState
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import InspectPhoto
from wallscan.jobs.send import queue_length, send
from wallscan.records import comparisons, sweep, tasks
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction
from wallscan.records.tables import Archive, Run, Task
from wallscan.wire.models import ActivationOrder
from worker.sweeper import Sweeper, SweepSettings, run

WINDOW = 5
SETTINGS = SweepSettings(database_url="unused", sweep_window=WINDOW, sweep_every_s=0.01, sweep_grace_s=3600)


@pytest.fixture
def app(redis_url) -> Celery:
    return make_celery(QueueSettings(redis_url=redis_url), "sweeper")


@pytest.fixture
def sweeper(engine: Engine, app: Celery) -> Sweeper:
    return Sweeper(engine, app, SETTINGS)


def sent(engine: Engine) -> int:
    with transaction(engine) as session:
        return session.scalar(select(func.count()).where(Task.sent_at.is_not(None))) or 0


def take(app: Celery, queue: str, count: int) -> None:
    """As a worker that takes messages and dies with them."""
    with redis.Redis.from_url(app.conf.broker_url) as client:
        client.rpop(queue, count)


def test_the_queue_is_filled_up_to_the_window_and_no_further(engine, app, sweeper):
    given_run(engine, photos=8)
    for _ in range(3):
        sweeper.sweep()
    assert (queue_length(app, "inspect"), sent(engine)) == (WINDOW, WINDOW)
    take(app, "inspect", 2)
    sweeper.sweep()
    assert (queue_length(app, "inspect"), sent(engine)) == (WINDOW, WINDOW + 2)


def test_what_was_just_sent_is_not_missed_yet(engine, app, sweeper):
    given_run(engine, photos=2)
    sweeper.sweep()
    take(app, "inspect", 2)
    sweeper.sweep()
    assert queue_length(app, "inspect") == 0


def test_lost_messages_are_sent_again_and_only_as_many(engine, app, sweeper):
    given_run(engine, photos=4)
    sweeper.sweep()
    with transaction(engine) as session:
        session.execute(update(Task).values(sent_at=func.now() - func.make_interval(0, 0, 0, 1)))
    sweeper.sweep()
    assert queue_length(app, "inspect") == 4
    take(app, "inspect", 3)
    sweeper.sweep()
    assert queue_length(app, "inspect") == 4


def test_a_dead_workers_photo_is_rung_again(engine, app, sweeper):
    order = given_run(engine)
    claimed(engine, order)
    with transaction(engine) as session:
        session.execute(update(Task).values(lease_until=func.now() - func.make_interval(0, 0, 0, 1)))
    sweeper.sweep()
    assert queue_length(app, "inspect") == 1
    assert claimed(engine, order).attempt == 2


def test_a_run_whose_finisher_died_is_ended(engine, sweeper):
    order = given_run(engine)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        tasks.finish(session, claim, FACTS, results(claim))
    sweeper.sweep()
    with transaction(engine) as session:
        assert session.scalar(select(Run.state)) is RunState.SUCCEEDED


def test_archives_and_models_are_rung_too(engine, app, sweeper):
    inspection_id, _ = given_inspection(engine)
    with transaction(engine) as session:
        session.add(Archive(inspection_id=inspection_id, file_name="a.zip", state=ArchiveState.QUEUED))
        session.add(ModelVersion(name="new", digest="0" * 64, manifest={}, state=ModelState.CHECKING))
    for _ in range(2):
        sweeper.sweep()
    assert (queue_length(app, "intake"), queue_length(app, "trainer")) == (1, 1)


def test_a_second_sweeper_stands_by(engine, app, sweeper):
    given_run(engine)
    with transaction(engine) as first:
        assert sweep.try_lock(first)
        sweeper.sweep()
        assert queue_length(app, "inspect") == 0
    sweeper.sweep()
    assert queue_length(app, "inspect") == 1


def test_rows_are_mended_even_while_the_broker_is_away(engine, sweeper):
    order = given_run(engine)
    claimed(engine, order)
    with transaction(engine) as session:
        session.execute(update(Task).values(lease_until=func.now() - func.make_interval(0, 0, 0, 1)))
    away = make_celery(QueueSettings(redis_url="redis://127.0.0.1:1/0"), "sweeper")
    with pytest.raises(UnavailableError):
        Sweeper(engine, away, SETTINGS).sweep()
    assert claimed(engine, order).attempt == 2


def test_the_loop_waits_for_a_broker_and_says_so_once(engine, app, caplog):
    given_run(engine, photos=2)
    broker_url, app.conf.broker_url = app.conf.broker_url, "redis://127.0.0.1:1/0"
    stop = Event()
    sweeping = Thread(target=run, args=(Sweeper(engine, app, SETTINGS), stop))
    sweeping.start()
    eventually(lambda: "cannot sweep" in caplog.text)
    app.conf.broker_url = broker_url
    eventually(lambda: queue_length(app, "inspect") == 2, within_s=60)
    stop.set()
    sweeping.join()
    assert caplog.text.count("cannot sweep") == 1


def test_more_messages_than_photos_ring_nothing(engine, app, sweeper):
    order = given_run(engine, photos=2)
    messages = [InspectPhoto(run_id=order.run_id, photo_id=photo_id) for photo_id in order.photo_ids]
    send(app, messages * 5)
    for _ in range(2):
        sweeper.sweep()
    assert queue_length(app, "inspect") == 10


def test_trainings_and_comparisons_are_rung_for_once(engine, app, sweeper):
    models = [given_model(engine) for _ in range(2)]
    training_id = given_training(engine)
    with transaction(engine) as session:
        for model_id in models:
            comparisons.order(session, model_id, ActivationOrder(), "tests")
    for _ in range(2):
        sweeper.sweep()
    assert queue_length(app, "trainer") == 2
    claimed_training(engine, training_id)
    let_lease_run_out(engine)
    sweeper.sweep()
    assert queue_length(app, "trainer") == 3
