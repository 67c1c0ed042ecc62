"""What a reader sees while others write."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from wallscan.records import sites
from wallscan.records.session import snapshot, transaction


def names(session):
    return [site.name for site in sites.page(session, None, None, None, 10)]


def test_no_process_keeps_its_locks_for_ever(engine):
    with transaction(engine) as session:
        shown = {
            name: session.scalar(text(f"SHOW {name}"))
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "timezone")
        }
    assert shown == {
        "statement_timeout": "1min",
        "idle_in_transaction_session_timeout": "30s",
        "timezone": "UTC",
    }


def test_all_statements_of_a_snapshot_see_what_the_first_saw(engine):
    with snapshot(engine) as reading:
        before = names(reading)
        with transaction(engine) as session:
            sites.create(session, "north")
        assert before == names(reading) == []
    with snapshot(engine) as reading:
        assert names(reading) == ["north"]


def test_a_snapshot_writes_nothing_and_its_connection_writes_again(engine):
    with pytest.raises(InternalError, match="read-only"), snapshot(engine) as session:
        sites.create(session, "north")
    with transaction(engine) as session:
        sites.create(session, "north")
    with snapshot(engine) as session:
        assert names(session) == ["north"]
