"""Fixtures that every test may use: real servers, and a clean piece of each for one test."""

import signal
import uuid
from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings
from sqlalchemy import Engine

import migrations
from tests.servers import TestServers, open_folder, started_servers
from wallscan.records.session import make_engine
from wallscan.storage import S3ObjectStore

_TEMPLATE = "migrated"

# Speed is measured by benchmarks, and one collection of garbage late in a long run outlasts the default.
settings.register_profile("wallscan", deadline=None)
settings.load_profile("wallscan")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: of two processes, neither then waits long for the other at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """Real Valkey, PostgreSQL and SeaweedFS for the session; they end with pytest, however it ends."""
    with open_folder() as folder, started_servers(folder) as running:
        yield running


@pytest.fixture(scope="session")
def _migrated(servers: TestServers) -> str:
    migrations.upgrade(servers.create_database(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def database_url(servers: TestServers, _migrated: str) -> Iterator[str]:
    """A database of its own with all migrations applied, as SQLAlchemy spells it."""
    name = f"test_{uuid.uuid4().hex}"
    yield servers.create_database(name, template=_migrated)
    servers.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on this test's database."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def _bucket(servers: TestServers) -> S3ObjectStore:
    store = S3ObjectStore(servers.s3)
    store.ensure_bucket()
    return store


@pytest.fixture
def store(_bucket: S3ObjectStore) -> S3ObjectStore:
    """Object storage on an empty bucket."""
    # Emptying takes milliseconds; the first object of a new bucket takes SeaweedFS a quarter of a second.
    _bucket.delete_many(_bucket.list(""))
    return _bucket


@pytest.fixture
def redis_url(servers: TestServers) -> str:
    """An empty logical database of the broker."""
    url = servers.redis_database(1)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """SIGINT as in a terminal; what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
