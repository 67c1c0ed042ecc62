"""What a database is made of, as PostgreSQL itself spells it."""

from sqlalchemy import Connection, text

_COLUMNS = """
    SELECT table_name, column_name, data_type, character_maximum_length, udt_name, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
"""
_INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
_TRIGGERS = """
    SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(pg_trigger.oid), prosrc
    FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal
"""


def catalog(connection: Connection) -> dict[str, set[tuple[object, ...]]]:
    """Columns, constraints, indexes and triggers; Alembic compares neither checks nor triggers."""
    queries = {
        "columns": _COLUMNS, "constraints": _CONSTRAINTS, "indexes": _INDEXES, "triggers": _TRIGGERS,
    }  # fmt: skip
    return {kind: {tuple(row) for row in connection.execute(text(query))} for kind, query in queries.items()}
