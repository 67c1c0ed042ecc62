"""A stack's Valkey, PostgreSQL and SeaweedFS, each replaced by an outside one if the environment names it."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from wallscan.domain.codes import Code
from wallscan.local import postgres, seaweed, valkey
from wallscan.local.data import DataFolder
from wallscan.local.errors import LocalError
from wallscan.local.ports import choose_ports
from wallscan.local.supervisor import Child, Supervisor
from wallscan.storage import S3ObjectStore, S3Settings

_log = logging.getLogger(__name__)

_START_S = 120.0  # generous: a busy machine is no error; it takes 2 s as a rule
PORT_NAMES = ("valkey", "postgres", *seaweed.PORTS, "api")


class Outside(BaseSettings):
    """Servers that run elsewhere, by their environment variables: each set one is used, not started."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    redis_url: str | None = None
    database_url: str | None = None
    s3_endpoint_url: str | None = None

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, url: str | None) -> str | None:
        """Without a driver's name SQLAlchemy would take another driver."""
        return url and url.replace("postgresql://", "postgresql+psycopg://", 1)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the three servers of a stack are."""

    redis_url: str
    database_url: str
    s3: S3Settings


class Servers:
    """Starts the servers that are not outside ones, and says where all three are."""

    def __init__(
        self,
        data: DataFolder,
        supervisor: Supervisor,
        outside: Outside,
        *,
        durable: bool = True,
        promised: Collection[int] = (),
    ) -> None:
        """`durable=False` is for tests: PostgreSQL then skips fsync. `promised` ports are somebody else's."""
        self._data = data
        self._supervisor = supervisor
        self._outside = outside
        self._durable = durable
        self._promised = promised
        # Those of the last time where they are free, so that addresses handed out stay good.
        self.ports = choose_ports(PORT_NAMES, data.state().ports, promised)

    def start(self) -> Addresses:
        """Return when all three answer and the database and the bucket exist.

        Raises LocalError: `server_binary_missing`, or `server_start_failed` after a second try on other
        ports, as another program may take a port in the moment between choosing and listening.
        """
        try:
            self._start()
        except LocalError as error:
            if error.code is not Code.SERVER_START_FAILED:
                raise
            _log.warning("%s\nTrying once more on other ports", error.detail)
            self.stop()
            self.ports = choose_ports(PORT_NAMES, {}, self._promised)
            self._start()
        return self.addresses()

    def _start(self) -> None:
        embedded = [child for child in (self._valkey(), self._seaweed()) if child]
        self._supervisor.start(embedded)
        if not self._outside.database_url:  # last: while it makes its cluster the others start
            embedded.append(postgres.child(self._data, self.ports["postgres"], durable=self._durable))
            self._supervisor.start(embedded[-1:])
        self._supervisor.wait([child.name for child in embedded], _START_S)
        if not self._outside.database_url:
            postgres.create_database(self._data, self.ports["postgres"])
        S3ObjectStore(self.addresses().s3).ensure_bucket()

    def stop(self) -> None:
        """Stop the embedded servers side by side."""
        self._supervisor.stop(["valkey", "seaweedfs", "postgres"])

    def addresses(self) -> Addresses:
        """Outside addresses where given, embedded ones otherwise."""
        return Addresses(
            redis_url=self._outside.redis_url or valkey.url(self._data, self.ports["valkey"]),
            database_url=self._outside.database_url or postgres.url(self._data, self.ports["postgres"]),
            s3=S3Settings()
            if self._outside.s3_endpoint_url
            else seaweed.settings(self._data, self.ports["s3"]),
        )

    def _valkey(self) -> Child | None:
        return None if self._outside.redis_url else valkey.child(self._data, self.ports["valkey"])

    def _seaweed(self) -> Child | None:
        return None if self._outside.s3_endpoint_url else seaweed.child(self._data, self.ports)
