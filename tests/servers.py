"""The real servers that tests run against, started by the product's own code."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from wallscan.local import postgres
from wallscan.local.data import DataFolder
from wallscan.local.group import ProcessGroup
from wallscan.local.servers import Outside, Servers
from wallscan.local.supervisor import Supervisor
from wallscan.storage import S3Settings


@dataclass(frozen=True)
class TestServers:
    """Addresses of the running servers; `database_url` is an empty database that tests do not write to."""

    __test__ = False

    redis_url: str
    database_url: str
    s3: S3Settings
    superuser_url: str

    def redis_database(self, number: int) -> str:
        return f"{self.redis_url.rpartition('/')[0]}/{number}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """A new database owned by the product's role, a copy of `template` if given; its SQLAlchemy URL."""
        # Copied as files it takes less than half of the time that writing it through the log takes.
        order = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
            *map(sql.Identifier, (name, postgres.NAME, template or "template1"))
        )
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(order)
        return f"{self.database_url.rpartition('/')[0]}/{name}"

    def drop_database(self, name: str) -> None:
        """Also ends sessions that a test left open."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that PostgreSQL's account can pass through, unlike pytest's own under root."""
    folder = Path(tempfile.mkdtemp(prefix="wallscan-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def started_servers(folder: Path) -> Iterator[TestServers]:
    data = DataFolder(folder)
    group = ProcessGroup(data.lock_fd)
    supervisor = Supervisor(group)
    nothing_outside = Outside(redis_url=None, database_url=None, s3_endpoint_url=None)
    servers = Servers(data, supervisor, nothing_outside, durable=False)
    try:
        found = servers.start()
        superuser_url = postgres.superuser_url(data, servers.ports["postgres"])
        yield TestServers(found.redis_url, found.database_url, found.s3, superuser_url)
    finally:
        servers.stop()
        supervisor.close()
        group.end()
        data.unlock()
