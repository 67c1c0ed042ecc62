"""The database's history: Alembic revisions, and two functions to walk them.

From a shell: `DATABASE_URL=postgresql+psycopg://… alembic upgrade head` in the repository's root.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration for one database, an SQLAlchemy URL; nothing is read from the environment."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database up to `revision`, in one transaction; a second upgrader waits for the first."""
    command.upgrade(alembic_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to `revision` (`base`: before the first), in one transaction."""
    command.downgrade(alembic_config(database_url), revision)
