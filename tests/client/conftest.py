"""The API as a real server on the loopback address, and a client of it."""

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine

from api.bootstrap import ApiSettings, DatabaseSettings, Settings
from api.main import create_app
from tests.servers import TestServers
from wallscan.client.http import Client
from wallscan.jobs.app import QueueSettings
from wallscan.records import keys
from wallscan.records.session import transaction


@pytest.fixture
def key(engine: Engine) -> str:
    """A key for everything."""
    with transaction(engine) as session:
        return keys.issue(session, "tests", ["read", "write", "admin"])


@pytest.fixture
def api_url(database_url: str, redis_url: str, servers: TestServers, store) -> Iterator[str]:
    settings = Settings(
        DatabaseSettings(database_url=database_url),
        QueueSettings(redis_url=redis_url),
        servers.s3,
        ApiSettings(),
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    assert httpx.get(f"{url}/healthz", timeout=30).is_success
    yield url
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(api_url: str, key: str) -> Iterator[Client]:
    with Client(api_url, key) as made:
        yield made
