"""Every pair of states is tried: the database allows what the domain calls legal, and nothing else."""

from itertools import product

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.records.one_of_each import insert_one_of_each
from wallscan.domain.lifecycle import (
    COMPARISON_ENDED,
    COMPARISON_TRANSITIONS,
    RUN_ENDED,
    RUN_TRANSITIONS,
    TASK_ENDED,
    TASK_TRANSITIONS,
    TRAINING_ENDED,
    TRAINING_TRANSITIONS,
)

# What else a row needs to be in a state, so that only the way there can be refused.
RUN = (
    "UPDATE runs SET state = :state, code = CASE WHEN :failed THEN 'c' END, "
    "ended_at = CASE WHEN :ended THEN now() END"
)
TASK = RUN.replace("runs", "tasks") + ", lease_until = CASE WHEN :running THEN now() END"


def pairs(transitions):
    return [pair for pair in product(transitions, repeat=2) if pair[0] is not pair[1]]


def put(connection, table, state, ended):
    values = {"state": state, "failed": state in {"failed", "refused"}, "ended": state in ended}
    statement = RUN if table == "runs" else TASK.replace("tasks", table)
    if table != "runs":
        values["running"] = state == "running"
    connection.execute(text(statement), values)


@pytest.mark.parametrize(
    ("table", "transitions", "ended"),
    [
        ("runs", RUN_TRANSITIONS, RUN_ENDED),
        ("tasks", TASK_TRANSITIONS, TASK_ENDED),
        ("trainings", TRAINING_TRANSITIONS, TRAINING_ENDED),
        ("model_comparisons", COMPARISON_TRANSITIONS, COMPARISON_ENDED),
    ],
)
def test_only_legal_ways_between_states_are_taken(engine, table, transitions, ended):
    with engine.begin() as connection:
        insert_one_of_each(connection)
    for old, new in pairs(transitions):
        with engine.connect() as connection:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            put(connection, table, old, ended)
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
            if new in transitions[old]:
                put(connection, table, new, ended)
                continue
            with pytest.raises(IntegrityError) as caught:
                put(connection, table, new, ended)
            assert isinstance(caught.value.orig, psycopg.IntegrityError)
            assert caught.value.orig.diag.constraint_name == f"ck_{table}_transition", (old, new)
