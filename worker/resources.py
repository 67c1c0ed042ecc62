"""What a process of the worker holds open: made from settings, after the fork, once."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings
from sqlalchemy import Engine

from wallscan.records.session import make_engine
from wallscan.storage import ObjectStore, S3ObjectStore, S3Settings
from worker.models import Models


class WorkerSettings(BaseSettings):
    """Settings of the worker, each read from the environment variable of the field's name."""

    database_url: SecretStr
    wallscan_model_cache: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "wallscan" / "models",
        description="folder of downloaded bundles, shared by the processes of a machine",
    )
    task_lease_s: float = Field(default=30.0, gt=0, description="a dead worker's photo is free after so long")


@dataclass(frozen=True, slots=True)
class Resources:
    """What one process works with. Nothing in it survives a fork, so it is made after it."""

    engine: Engine
    store: ObjectStore
    models: Models
    name: str
    lease_s: float


class PerProcess:
    """Hands out the resources of the calling process, made at its first call."""

    def __init__(self, settings: WorkerSettings, s3: S3Settings) -> None:
        self._settings = settings
        self._s3 = s3
        self._made: tuple[int, Resources] | None = None

    def __call__(self) -> Resources:
        """The resources of this process; a forked child makes its own."""
        if self._made is None or self._made[0] != os.getpid():
            self._made = os.getpid(), self._make()
        return self._made[1]

    def _make(self) -> Resources:
        store = S3ObjectStore(self._s3)
        return Resources(
            engine=make_engine(self._settings.database_url.get_secret_value(), pool_size=2),
            store=store,
            models=Models(store, self._settings.wallscan_model_cache),
            name=f"{socket.gethostname()}:{os.getpid()}",
            lease_s=self._settings.task_lease_s,
        )
