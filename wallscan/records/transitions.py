"""The legal ways between states, as rules of the database: an illegal one is refused, whoever writes it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import DDL, event

from wallscan.domain.lifecycle import (
    COMPARISON_TRANSITIONS,
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    TRAINING_TRANSITIONS,
)
from wallscan.records.tables import Base

State = TypeVar("State", bound=StrEnum)

FUNCTION = """
CREATE FUNCTION refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state || '>' || NEW.state <> ALL (TG_ARGV) THEN
        RAISE EXCEPTION 'a row of % cannot go from % to %', TG_TABLE_NAME, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_transition';
    END IF;
    RETURN NULL;
END $$
"""


def trigger(table: str, transitions: Mapping[State, frozenset[State]]) -> str:
    """The statement that lets a table's `state` change only as `transitions` says."""
    ways = sorted(f"'{old}>{new}'" for old, news in transitions.items() for new in news if old is not new)
    return (
        f"CREATE TRIGGER {table}_transition AFTER UPDATE OF state ON {table} FOR EACH ROW "
        f"WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refuse_transition({', '.join(ways)})"
    )


_WAYS: Mapping[str, Mapping[Any, Any]] = {
    "runs": RUN_TRANSITIONS,
    "tasks": TASK_TRANSITIONS,
    "trainings": TRAINING_TRANSITIONS,
    "model_comparisons": COMPARISON_TRANSITIONS,
}
for _statement in (FUNCTION, *(trigger(table, ways) for table, ways in _WAYS.items())):
    event.listen(Base.metadata, "after_create", DDL(_statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
