"""An empty database, which the tests here bring up and take down themselves."""

import uuid
from collections.abc import Iterator

import pytest

from tests.servers import TestServers


@pytest.fixture
def empty_database_url(servers: TestServers) -> Iterator[str]:
    name = f"empty_{uuid.uuid4().hex}"
    yield servers.create_database(name)
    servers.drop_database(name)


@pytest.fixture
def other_database_url(servers: TestServers) -> Iterator[str]:
    name = f"other_{uuid.uuid4().hex}"
    yield servers.create_database(name)
    servers.drop_database(name)
