"""Let the states of runs and tasks change only in the legal ways."""

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

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
WAYS = {
    "runs": (
        "cancelled>running", "cancelling>cancelled", "failed>running", "queued>cancelling", "queued>failed",
        "queued>running", "queued>succeeded", "running>cancelling", "running>failed", "running>succeeded",
        "succeeded>running",
    ),
    "tasks": (
        "cancelled>queued", "failed>queued", "queued>cancelled", "queued>failed", "queued>running",
        "running>cancelled", "running>failed", "running>queued", "running>succeeded",
    ),
}  # fmt: skip


def upgrade() -> None:
    op.execute(FUNCTION)
    for table, ways in WAYS.items():
        op.execute(
            f"CREATE TRIGGER {table}_transition AFTER UPDATE OF state ON {table} FOR EACH ROW "
            f"WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refuse_transition({_list(ways)})"
        )


def downgrade() -> None:
    for table in WAYS:
        op.execute(f"DROP TRIGGER {table}_transition ON {table}")
    op.execute("DROP FUNCTION refuse_transition")


def _list(ways: tuple[str, ...]) -> str:
    return ", ".join(f"'{way}'" for way in ways)
