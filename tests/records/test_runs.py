from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select

from tests.records.given import (
    FACTS,
    Order,
    claimed,
    given_inspection,
    given_model,
    given_photos,
    given_run,
    results,
)
from wallscan.domain.codes import Code
from wallscan.domain.errors import RunError
from wallscan.domain.lifecycle import PhotoState, RunState, TaskState
from wallscan.records import runs, tasks
from wallscan.records.session import transaction
from wallscan.records.tables import Inspection, Run, Task


def read_run(engine: Engine, order: Order) -> Run:
    with transaction(engine) as session:
        run = session.get(Run, order.run_id)
        assert run is not None
        return run


def task_states(engine: Engine, order: Order) -> list[str]:
    with transaction(engine) as session:
        states = session.scalars(select(Task.state).where(Task.run_id == order.run_id))
        return sorted(state.value for state in states)


def finish(engine: Engine, order: Order, place: int) -> None:
    claim = claimed(engine, order, place)
    with transaction(engine) as session:
        assert tasks.finish(session, claim, FACTS, results(claim))


def end_all(engine: Engine, order: Order, failed: int = 0) -> None:
    for place in range(len(order.photo_ids)):
        if place < failed:
            claim = claimed(engine, order, place)
            with transaction(engine) as session:
                tasks.fail(session, claim, Code.PHOTO_CORRUPT, "broken")
        else:
            finish(engine, order, place)
    with transaction(engine) as session:
        assert runs.complete_if_done(session, order.run_id)


def test_submit_takes_stored_photos_once_each(engine):
    inspection_id, wall_id = given_inspection(engine)
    (first,) = given_photos(engine, inspection_id, wall_id, 1)
    given_photos(engine, inspection_id, wall_id, 1, duplicate_of_id=first)
    given_photos(engine, inspection_id, wall_id, 1, state=PhotoState.EXPECTED)
    given_photos(engine, inspection_id, wall_id, 1, state=PhotoState.REJECTED, code=Code.PHOTO_EMPTY)
    with transaction(engine) as session:
        run_id = runs.submit(session, inspection_id, given_model(engine), ["crack"], {})
    with transaction(engine) as session:
        assert list(session.scalars(select(Task.photo_id).where(Task.run_id == run_id))) == [first]
        assert session.scalar(select(Inspection.active_run_id)) == run_id


def test_an_inspection_without_a_stored_photo_cannot_be_submitted(engine):
    inspection_id, wall_id = given_inspection(engine)
    given_photos(engine, inspection_id, wall_id, 1, state=PhotoState.EXPECTED)
    model_id = given_model(engine)
    with pytest.raises(RunError) as refused, transaction(engine) as session:
        runs.submit(session, inspection_id, model_id, ["crack"], {})
    assert refused.value.code is Code.INSPECTION_EMPTY
    with transaction(engine) as session:
        assert session.scalar(select(Run.id)) is None


def test_a_run_ends_only_when_every_photo_has(engine):
    order = given_run(engine, photos=2)
    finish(engine, order, 0)
    with transaction(engine) as session:
        assert not runs.complete_if_done(session, order.run_id)
    finish(engine, order, 1)
    with transaction(engine) as session:
        assert runs.complete_if_done(session, order.run_id)
    run = read_run(engine, order)
    assert run.state is RunState.SUCCEEDED
    assert run.ended_at is not None


def test_of_many_who_finish_at_once_exactly_one_ends_the_run(engine):
    order = given_run(engine, photos=8)

    def work(place: int) -> bool:
        finish(engine, order, place)
        with transaction(engine) as session:
            return runs.complete_if_done(session, order.run_id)

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(work, range(8)))
    assert sum(ended) == 1
    assert read_run(engine, order).state is RunState.SUCCEEDED


def test_one_bad_photo_does_not_fail_the_run(engine):
    order = given_run(engine, photos=2)
    end_all(engine, order, failed=1)
    assert read_run(engine, order).state is RunState.SUCCEEDED
    assert task_states(engine, order) == ["failed", "succeeded"]


def test_cancel_keeps_what_is_finished_and_lets_work_under_way_end(engine):
    order = given_run(engine, photos=3)
    finish(engine, order, 0)
    under_way = claimed(engine, order, 1)
    with transaction(engine) as session:
        runs.cancel(session, order.run_id)
    assert read_run(engine, order).state is RunState.CANCELLING
    assert task_states(engine, order) == ["cancelled", "running", "succeeded"]
    with transaction(engine) as session:
        assert tasks.finish(session, under_way, FACTS, results(under_way))
    with transaction(engine) as session:
        assert runs.complete_if_done(session, order.run_id)
    assert read_run(engine, order).state is RunState.CANCELLED


def test_cancel_with_nothing_under_way_ends_at_once(engine):
    order = given_run(engine)
    with transaction(engine) as session:
        runs.cancel(session, order.run_id)
    assert read_run(engine, order).state is RunState.CANCELLED


def test_cancelling_twice_is_no_error_but_an_ended_run_cannot_be_cancelled(engine):
    order = given_run(engine)
    claimed(engine, order)
    for _ in range(2):
        with transaction(engine) as session:
            runs.cancel(session, order.run_id)
    ended = given_run(engine)
    end_all(engine, ended)
    with pytest.raises(RunError) as refused, transaction(engine) as session:
        runs.cancel(session, ended.run_id)
    assert refused.value.code is Code.RUN_NOT_CANCELLABLE


def test_cancel_and_claims_at_once_leave_no_photo_behind(engine):
    order = given_run(engine, photos=12)

    def work(place: int) -> None:
        with transaction(engine) as session:
            claim = tasks.claim(session, order.run_id, order.photo_ids[place], "a-worker", 60)
        if claim is not None:
            with transaction(engine) as session:
                tasks.finish(session, claim, FACTS, results(claim))
        with transaction(engine) as session:
            runs.complete_if_done(session, order.run_id)

    def cancel() -> None:
        with transaction(engine) as session:
            runs.cancel(session, order.run_id)

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(work, place) for place in range(6)]
        jobs.append(pool.submit(cancel))
        jobs += [pool.submit(work, place) for place in range(6, 12)]
        for job in jobs:
            job.result()
    assert read_run(engine, order).state is RunState.CANCELLED
    assert set(task_states(engine, order)) <= {"cancelled", "succeeded"}


def test_retry_opens_the_failed_photos_again(engine):
    order = given_run(engine, photos=3)
    end_all(engine, order, failed=2)
    with transaction(engine) as session:
        assert runs.retry(session, order.run_id) == 2
        assert len(tasks.due(session, 10)) == 2
    assert read_run(engine, order).state is RunState.RUNNING
    assert claimed(engine, order, 0).attempt == 2
    finish(engine, order, 1)


def test_retry_of_a_run_under_way_or_without_failures_is_refused(engine):
    for order in (given_run(engine), given_run(engine)):
        with pytest.raises(RunError) as refused, transaction(engine) as session:
            runs.retry(session, order.run_id)
        assert refused.value.code is Code.RUN_NOT_RETRYABLE
        end_all(engine, order)
        with pytest.raises(RunError, match="succeeded"), transaction(engine) as session:
            runs.retry(session, order.run_id)


def test_a_run_that_cannot_be_carried_out_fails_with_its_photos_and_can_be_retried(engine):
    order = given_run(engine, photos=3)
    finish(engine, order, 0)
    claim = claimed(engine, order, 1)
    with transaction(engine) as session:
        assert runs.fail(session, claim, Code.BUNDLE_UNLOADABLE, "not loadable")
        assert not runs.fail(session, claim, Code.BUNDLE_UNLOADABLE, "not loadable")
    run = read_run(engine, order)
    assert (run.state, run.code) == (RunState.FAILED, Code.BUNDLE_UNLOADABLE)
    assert task_states(engine, order) == ["failed", "failed", "succeeded"]
    with transaction(engine) as session:
        assert runs.retry(session, order.run_id) == 2
    assert read_run(engine, order).code is None


def test_who_lost_the_lease_does_not_fail_the_run_that_was_retried(engine):
    order = given_run(engine, photos=2)
    first, late = claimed(engine, order, 0), claimed(engine, order, 1)
    with transaction(engine) as session:
        assert runs.fail(session, first, Code.BUNDLE_UNLOADABLE, "not loadable")
    with transaction(engine) as session:
        runs.retry(session, order.run_id)
    claimed(engine, order, 1)
    with transaction(engine) as session:
        assert not runs.fail(session, late, Code.BUNDLE_UNLOADABLE, "not loadable")
    assert read_run(engine, order).state is RunState.RUNNING
    assert task_states(engine, order) == ["queued", "running"]


def test_a_cancelling_run_that_fails_ends_as_cancelled(engine):
    order = given_run(engine, photos=2)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        runs.cancel(session, order.run_id)
        assert runs.fail(session, claim, Code.BUNDLE_UNLOADABLE, "not loadable")
    assert read_run(engine, order).state is RunState.CANCELLED
    assert task_states(engine, order) == ["cancelled", TaskState.FAILED]


def test_an_unknown_run_is_named(engine, database_url):
    order = given_run(engine)
    for call in (runs.cancel, runs.retry):
        with pytest.raises(RunError) as refused, transaction(engine) as session:
            call(session, order.inspection_id)
        assert refused.value.code is Code.RUN_UNKNOWN
