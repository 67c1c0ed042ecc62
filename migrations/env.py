"""What Alembic runs for every command: connect, wait for other upgraders, walk the revisions."""

from alembic import context
from pydantic_settings import BaseSettings
from sqlalchemy import create_engine, pool, text

from migrations.lock import ADVISORY_LOCK
from wallscan.records import training_tables  # noqa: F401 - importing it adds its tables to the metadata
from wallscan.records.access import Key  # and so does this


class MigrationSettings(BaseSettings):
    """The database to migrate, where the caller named none: `DATABASE_URL`, an SQLAlchemy URL."""

    database_url: str


def database_url() -> str:
    """The URL given by the caller of `migrations.upgrade`, else the environment's."""
    given = context.config.attributes.get("database_url")
    return str(given) if given else MigrationSettings().database_url


def migrate() -> None:
    """Run the revisions in one transaction: all of them, or none."""
    engine = create_engine(database_url(), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Key.metadata, compare_server_default=True)
        with context.begin_transaction():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            context.run_migrations()


migrate()
