"""The API on real servers, and callers with keys."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from api.bootstrap import ApiSettings, DatabaseSettings, Settings
from api.main import create_app
from tests.api.calling import Api
from tests.servers import TestServers
from wallscan.jobs.app import QueueSettings
from wallscan.records import keys
from wallscan.records.session import transaction


@pytest.fixture
def settings(database_url: str, redis_url: str, servers: TestServers) -> Settings:
    return Settings(
        DatabaseSettings(database_url=database_url),
        QueueSettings(redis_url=redis_url),
        servers.s3,
        ApiSettings(),
    )


@pytest.fixture
def app(settings: Settings, store) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def nobody(app: FastAPI) -> Iterator[TestClient]:
    """A caller without a key."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def api(nobody: TestClient, engine: Engine) -> Api:
    """A caller with a key for everything."""
    with transaction(engine) as session:
        key = keys.issue(session, "tests", ["read", "write", "admin"])
    return Api(nobody, key)


@pytest.fixture
def key_of(engine: Engine):
    """Makes keys: `key_of(["read"], [site_id])`."""

    def make(scopes, site_ids=(), expires_at=None) -> str:
        with transaction(engine) as session:
            return keys.issue(session, "tests", scopes, site_ids, expires_at)

    return make
