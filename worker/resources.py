"""What a process of the worker holds open: made from settings, after the fork, once."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings
from sqlalchemy import Engine as Database

from wallscan.records.session import make_engine
from wallscan.segment.engine import Engine, EngineName, EngineSettings, PrecisionWish, load_engine
from wallscan.storage import ObjectStore, S3ObjectStore, S3Settings
from worker.models import Models


class WorkerSettings(BaseSettings):
    """Settings of the worker, each read from the environment variable of the field's name."""

    database_url: SecretStr
    wallscan_model_cache: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "wallscan" / "models",
        description="folder of downloaded and compiled models, shared by the processes of a machine",
    )
    wallscan_engine: EngineName = Field(
        default="auto",
        description="auto: torch where it has an accelerator, else openvino; or the name of either",
    )
    wallscan_precision: PrecisionWish = Field(
        default="fast",
        description="fast: what a model was validated for, else float32; exact: always float32",
    )
    wallscan_threads: int = Field(default=1, ge=1, le=256, description="threads of one process's inference")
    task_lease_s: float = Field(default=30.0, gt=0, description="a dead worker's photo is free after so long")


@dataclass(frozen=True, slots=True)
class Resources:
    """What one process works with. Nothing in it survives a fork, so it is made after it."""

    engine: Database
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

    def _load(self, folder: Path) -> Engine:
        settings = self._settings
        return load_engine(
            folder,
            EngineSettings(
                settings.wallscan_model_cache,
                settings.wallscan_engine,
                settings.wallscan_precision,
                settings.wallscan_threads,
            ),
        )

    def _make(self) -> Resources:
        store = S3ObjectStore(self._s3)
        return Resources(
            engine=make_engine(self._settings.database_url.get_secret_value(), pool_size=2),
            store=store,
            models=Models(store, self._settings.wallscan_model_cache, self._load),
            name=f"{socket.gethostname()}:{os.getpid()}",
            lease_s=self._settings.task_lease_s,
        )
