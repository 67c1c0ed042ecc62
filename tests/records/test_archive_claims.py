import datetime as dt
import uuid

import pytest
from sqlalchemy import Engine, func, update

from tests.records.given import after_update_of, given_inspection
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import MAX_ATTEMPTS, ArchiveState
from wallscan.jobs.messages import UnpackArchive
from wallscan.records import archive_claims
from wallscan.records.session import transaction
from wallscan.records.tables import Archive


@pytest.fixture
def archive_id(engine) -> uuid.UUID:
    inspection_id, _ = given_inspection(engine)
    archive = Archive(
        id=uuid.uuid4(), inspection_id=inspection_id, file_name="a.zip", state=ArchiveState.QUEUED
    )
    with transaction(engine) as session:
        session.add(archive)
    return archive.id


def claimed(engine: Engine, archive_id: uuid.UUID) -> archive_claims.ArchiveClaim:
    with transaction(engine) as session:
        claim = archive_claims.claim(session, archive_id, 60)
    assert claim is not None
    return claim


def let_lease_run_out(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(update(Archive).values(lease_until=func.now() - dt.timedelta(seconds=1)))


def read(engine: Engine, archive_id: uuid.UUID) -> Archive:
    with transaction(engine) as session:
        archive = session.get(Archive, archive_id)
        assert archive is not None
        return archive


def test_one_claim_at_a_time(engine, archive_id):
    assert claimed(engine, archive_id).attempt == 1
    with transaction(engine) as session:
        assert archive_claims.claim(session, archive_id, 60) is None


def test_an_archive_put_back_while_another_message_is_turned_away_is_not_spent(engine, archive_id):
    held = claimed(engine, archive_id)

    def put_back():
        with transaction(engine) as session:
            assert archive_claims.release(session, held, count_try=False)

    with after_update_of(engine, "archives", put_back), transaction(engine) as session:
        assert archive_claims.claim(session, archive_id, 60) is None
    assert read(engine, archive_id).state is ArchiveState.QUEUED


def test_progress_is_recorded_and_the_end(engine, archive_id):
    claim = claimed(engine, archive_id)
    with transaction(engine) as session:
        assert archive_claims.advance(session, claim, total=9, done=4, ignored=1)
    archive = read(engine, archive_id)
    assert (archive.entries_total, archive.entries_done, archive.ignored_entries) == (9, 4, 1)
    with transaction(engine) as session:
        assert archive_claims.finish(session, claim)
    assert read(engine, archive_id).state is ArchiveState.SUCCEEDED
    with transaction(engine) as session:
        assert archive_claims.claim(session, archive_id, 60) is None


def test_a_lost_claim_writes_nothing(engine, archive_id):
    late = claimed(engine, archive_id)
    let_lease_run_out(engine)
    current = claimed(engine, archive_id)
    with transaction(engine) as session:
        assert not archive_claims.advance(session, late, total=9, done=4, ignored=0)
        assert not archive_claims.finish(session, late)
        assert not archive_claims.fail(session, late, Code.ARCHIVE_CORRUPT, "late")
        assert not archive_claims.release(session, late, count_try=False)
    archive = read(engine, archive_id)
    assert (archive.state, archive.attempt) == (ArchiveState.RUNNING, current.attempt)


def test_a_failed_archive_says_why(engine, archive_id):
    claim = claimed(engine, archive_id)
    with transaction(engine) as session:
        assert archive_claims.fail(session, claim, Code.ARCHIVE_NOT_ZIP, "no zip")
    archive = read(engine, archive_id)
    assert (archive.state, archive.code) == (ArchiveState.FAILED, "archive_not_zip")


def test_expired_claims_go_back_and_fail_in_the_end(engine, archive_id):
    for _ in range(MAX_ATTEMPTS):
        with transaction(engine) as session:
            archive_claims.requeue_expired(session)
            assert archive_claims.due(session, 9, 60) == [UnpackArchive(archive_id=archive_id)]
        claimed(engine, archive_id)
        let_lease_run_out(engine)
    with transaction(engine) as session:
        archive_claims.requeue_expired(session)
        assert archive_claims.due(session, 9, 60) == []
    assert read(engine, archive_id).code == "attempts_exhausted"


@pytest.mark.parametrize(("count_try", "attempt"), [(True, 1), (False, 0)])
def test_release(engine, archive_id, count_try, attempt):
    claim = claimed(engine, archive_id)
    with transaction(engine) as session:
        assert archive_claims.release(session, claim, count_try=count_try)
        assert len(archive_claims.due(session, 9, 60)) == (1 if count_try else 0)
        assert len(archive_claims.due(session, 9, -1)) == 1
    archive = read(engine, archive_id)
    assert (archive.state, archive.attempt) == (ArchiveState.QUEUED, attempt)


def test_a_sent_archive_is_not_due_until_long_ago(engine, archive_id):
    with transaction(engine) as session:
        archive_claims.mark_sent(session, archive_claims.due(session, 9, 60))
        assert archive_claims.due(session, 9, 60) == []
        assert len(archive_claims.due(session, 9, -1)) == 1
