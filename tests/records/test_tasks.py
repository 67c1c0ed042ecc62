import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select, update

from tests.records.given import FACTS, LEASE_S, after_update_of, claimed, given_model, given_run, results
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import MAX_ATTEMPTS, RunState, TaskState
from wallscan.domain.looks import DEFAULT_LOOK, Detail, Look
from wallscan.records import runs, tasks
from wallscan.records.session import transaction
from wallscan.records.tables import Item, Photo, Run, Task


def read_task(engine: Engine, claim: tasks.Claim) -> Task:
    with transaction(engine) as session:
        task = session.get(Task, (claim.run_id, claim.photo_id))
        assert task is not None
        return task


def count_items(engine: Engine) -> int:
    with transaction(engine) as session:
        return session.scalar(select(func.count()).select_from(Item)) or 0


def let_lease_run_out(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(
            update(Task)
            .where(Task.state == TaskState.RUNNING)
            .values(lease_until=func.now() - dt.timedelta(seconds=1))
        )


def test_claim_tells_what_the_work_needs_and_starts_the_run(engine):
    order = given_run(engine)
    claim = claimed(engine, order)
    assert (claim.attempt, claim.tries) == (1, 1)
    assert claim.inspection_id == order.inspection_id
    assert claim.prompts == ("crack", "drywall joint")
    assert claim.postprocess == {"name": "founding"}
    assert claim.look == DEFAULT_LOOK
    assert len(claim.model_digest) == 64
    with transaction(engine) as session:
        run = session.get(Run, order.run_id)
        assert run is not None
        assert run.state is RunState.RUNNING
        assert run.started_at is not None


def test_claim_tells_how_closely_to_look(engine):
    order = given_run(engine)
    with transaction(engine) as session:
        run_id = runs.submit(
            session,
            order.inspection_id,
            given_model(engine),
            ["crack"],
            {},
            look=Look(Detail.FINE_TILES, flip=True),
        )
        found = tasks.claim(session, run_id, order.photo_ids[0], "a-worker", LEASE_S)
    assert found is not None
    assert found.look == Look(Detail.FINE_TILES, flip=True)


def test_a_photo_put_back_while_another_message_is_turned_away_is_not_spent(engine):
    order = given_run(engine)
    held = claimed(engine, order)

    def put_back():
        with transaction(engine) as session:
            assert tasks.release(session, held, count_try=False)

    with after_update_of(engine, "tasks", put_back), transaction(engine) as session:
        assert tasks.claim(session, order.run_id, order.photo_ids[0], "another", LEASE_S) is None
    assert read_task(engine, held).state is TaskState.QUEUED
    assert claimed(engine, order).tries == 1


def test_only_one_of_many_claims_at_once_wins(engine):
    order = given_run(engine)

    def try_claim(number: int) -> tasks.Claim | None:
        with transaction(engine) as session:
            return tasks.claim(session, order.run_id, order.photo_ids[0], f"worker-{number}", LEASE_S)

    with ThreadPoolExecutor(8) as pool:
        claims = [claim for claim in pool.map(try_claim, range(8)) if claim is not None]
    assert [claim.attempt for claim in claims] == [1]


def test_claim_of_what_is_not_there_is_none(engine):
    order = given_run(engine)
    with transaction(engine) as session:
        assert tasks.claim(session, order.run_id, order.run_id, "a-worker", LEASE_S) is None
        assert tasks.claim(session, order.photo_ids[0], order.photo_ids[0], "a-worker", LEASE_S) is None


def test_finish_writes_items_facts_and_state_together(engine):
    order = given_run(engine)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        assert tasks.finish(session, claim, FACTS, results(claim))
    task = read_task(engine, claim)
    assert (task.state, task.lease_until) == (TaskState.SUCCEEDED, None)
    assert task.ended_at is not None
    assert count_items(engine) == 2
    with transaction(engine) as session:
        photo = session.get(Photo, claim.photo_id)
        assert photo is not None
        assert (photo.width_px, photo.height_px, photo.phash) == (4000, 3000, -5)


def test_a_finished_photo_is_not_claimed_or_finished_again(engine):
    order = given_run(engine)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        tasks.finish(session, claim, FACTS, results(claim))
    with transaction(engine) as session:
        assert tasks.claim(session, order.run_id, order.photo_ids[0], "another", LEASE_S) is None
        assert not tasks.finish(session, claim, FACTS, results(claim))
    assert count_items(engine) == 2


def test_late_writes_of_a_lost_claim_are_fenced_off(engine):
    order = given_run(engine)
    late = claimed(engine, order)
    let_lease_run_out(engine)
    current = claimed(engine, order)
    assert current.attempt == 2
    with transaction(engine) as session:
        assert not tasks.finish(session, late, FACTS, results(late))
        assert not tasks.fail(session, late, Code.INFERENCE_FAILED, "late")
        assert not tasks.release(session, late, count_try=False)
        assert not tasks.extend(session, late, LEASE_S)
    assert count_items(engine) == 0
    with transaction(engine) as session:
        assert tasks.finish(session, current, FACTS, results(current))
    with transaction(engine) as session:
        assert set(session.scalars(select(Item.mask_key))) == {"masks/2/0", "masks/2/1"}


def test_extend_moves_the_end_of_the_lease(engine):
    claim = claimed(engine, given_run(engine))
    before = read_task(engine, claim).lease_until
    with transaction(engine) as session:
        assert tasks.extend(session, claim, 2 * LEASE_S)
    after = read_task(engine, claim).lease_until
    assert before is not None
    assert after is not None
    assert after > before


def test_failed_keeps_the_reason(engine):
    claim = claimed(engine, given_run(engine))
    with transaction(engine) as session:
        assert tasks.fail(session, claim, Code.PHOTO_TRUNCATED, "ends early")
    task = read_task(engine, claim)
    assert (task.state, task.code, task.detail) == (TaskState.FAILED, "photo_truncated", "ends early")


@pytest.mark.parametrize(("count_try", "tries"), [(True, 1), (False, 0)])
def test_release_gives_the_photo_back(engine, count_try, tries):
    claim = claimed(engine, given_run(engine))
    with transaction(engine) as session:
        assert tasks.release(session, claim, count_try=count_try)
    task = read_task(engine, claim)
    assert (task.state, task.attempt, task.tries) == (TaskState.QUEUED, 1, tries)
    # A counted try is rung again at once, the other waits like a message that was sent now.
    assert (task.sent_at is None) == count_try


def test_attempts_that_were_given_back_never_run_out(engine):
    order = given_run(engine)
    claimed(engine, order)
    with transaction(engine) as session:
        session.execute(update(Task).values(attempt=1 << 15, tries=0))  # storage was away for four days
    let_lease_run_out(engine)
    assert claimed(engine, order).attempt == (1 << 15) + 1


def test_a_photo_is_tried_so_often_and_then_failed(engine):
    order = given_run(engine)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claim = claimed(engine, order)
        assert claim.attempt == attempt
        let_lease_run_out(engine)
    with transaction(engine) as session:
        assert tasks.claim(session, order.run_id, order.photo_ids[0], "another", LEASE_S) is None
    task = read_task(engine, claim)
    assert (task.state, task.code) == (TaskState.FAILED, Code.ATTEMPTS_EXHAUSTED)


def test_a_cancelled_run_gives_no_claims(engine):
    order = given_run(engine, photos=2)
    claimed(engine, order)
    with transaction(engine) as session:
        runs.cancel(session, order.run_id)
    let_lease_run_out(engine)
    with transaction(engine) as session:
        for photo_id in order.photo_ids:
            assert tasks.claim(session, order.run_id, photo_id, "another", LEASE_S) is None


def test_due_names_unsent_photos_of_the_oldest_run_first(engine):
    first, second = given_run(engine, photos=2), given_run(engine, photos=2)
    with transaction(engine) as session:
        messages = tasks.due(session, 3)
        assert [message.run_id for message in messages] == [first.run_id, first.run_id, second.run_id]
        tasks.mark_sent(session, messages)
        assert [message.run_id for message in tasks.due(session, 3)] == [second.run_id]
        assert tasks.due(session, 3, first.run_id) == []
