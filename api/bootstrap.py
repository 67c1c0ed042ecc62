"""Settings from the environment, and the services built from them: once a process, after fork."""

from dataclasses import dataclass

from celery import Celery
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Engine

from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.photos.limits import PhotoLimits
from wallscan.records.idempotency import REMEMBERED_S
from wallscan.records.session import make_engine
from wallscan.storage import S3ObjectStore, S3Settings
from wallscan.wire.uploads import MAX_ARCHIVE_BYTES, MAX_PHOTO_BYTES

_FORM_OVERHEAD_BYTES = 2**20


class DatabaseSettings(BaseSettings):
    """Where the database is: the environment variable `DATABASE_URL`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)
    database_url: str


class ApiSettings(BaseSettings):
    """Limits of the API; each may be set by the environment variable `API_` and the field's name."""

    model_config = SettingsConfigDict(env_prefix="API_", extra="ignore", frozen=True)
    threads: int = Field(default=16, ge=1, description="requests worked on at once, a connection each")
    max_body_bytes: int = Field(default=8 * 2**20, description="any body but a form with files")
    max_form_bytes: int = Field(default=MAX_ARCHIVE_BYTES + _FORM_OVERHEAD_BYTES)
    # An answer may be given again until it is forgotten; the addresses in it must work as long, and longer.
    upload_expires_s: int = Field(default=2 * REMEMBERED_S, le=7 * 24 * 3600)
    send_window: int = Field(default=200, ge=0, description="messages sent at submission; the rest is swept")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the API process."""

    database: DatabaseSettings
    queue: QueueSettings
    s3: S3Settings
    api: ApiSettings


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    settings: Settings
    engine: Engine
    store: S3ObjectStore
    celery: Celery

    @property
    def photo_limits(self) -> PhotoLimits:
        """The limits that photos are held to at the door."""
        return PhotoLimits(max_bytes=MAX_PHOTO_BYTES)


def read_settings() -> Settings:
    """Settings from the environment. Raises pydantic's ValidationError where `DATABASE_URL` is missing."""
    return Settings(DatabaseSettings(), QueueSettings(), S3Settings(), ApiSettings())


def make_services(settings: Settings) -> Services:
    """Build the services; nothing connects before it is used."""
    celery = make_celery(settings.queue, "wallscan.api")
    # A sick broker must not hold a request: what is not sent in this time the sweeper sends.
    celery.conf.broker_transport_options |= {"socket_timeout": 2, "max_retries": 1, "interval_start": 0}
    return Services(
        settings,
        make_engine(settings.database.database_url, pool_size=settings.api.threads),
        S3ObjectStore(settings.s3),
        celery,
    )
