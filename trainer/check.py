"""Checking a model version that was handed in: fetched, held against its manifest, loaded, asked."""

import logging
import tempfile
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine

from trainer.workspace import workspace
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, UnavailableError, WallscanError
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.jobs.heartbeat import held
from wallscan.models.manifest import Manifest
from wallscan.records import model_checks, models
from wallscan.records.model_checks import Claim
from wallscan.records.session import transaction
from wallscan.segment.bundle import check_bundle
from wallscan.segment.engine import EngineSettings
from wallscan.segment.openvino_graphs import open_openvino
from wallscan.storage import ObjectStore
from wallscan.storage.bundles import fetch_model
from wallscan.wire.models import Model

_log = logging.getLogger(__name__)


LEASE_S = 60.0


def check_model(engine: Engine, store: ObjectStore, model_id: uuid.UUID, lease_s: float = LEASE_S) -> None:
    """End the check of a model version as ready or rejected, if nobody else does. Safe to repeat.

    Raises UnavailableError, the version then still being checked, and WallscanError `model_unknown`.
    """
    with transaction(engine) as session:
        claim = model_checks.claim(session, model_id, lease_s)
        base = models.base_manifest(session, model_id)
    if claim is None:
        return

    def extend() -> bool:
        with transaction(engine) as session:
            return model_checks.extend(session, claim, lease_s)

    with held(extend, lease_s):
        _work(engine, store, claim, base)


def _work(engine: Engine, store: ObjectStore, claim: Claim, base: dict[str, Any] | None) -> None:
    try:
        refusal = refusal_of(store, claim.model, base)
    except UnavailableError:
        with transaction(engine) as session:
            model_checks.release(session, claim)
        raise
    except SoftTimeLimitExceeded:
        refusal = BundleError(Code.BUNDLE_UNLOADABLE, "the check took longer than its time limit")
    with transaction(engine) as session:
        ended = model_checks.finish(session, claim, refusal)
    told = (refusal or "ready") if ended else "another trainer has taken over"
    _log.info("model %s %s: %s", claim.model.name, claim.model.digest, told)


def refusal_of(store: ObjectStore, model: Model, base: dict[str, Any] | None) -> WallscanError | None:
    """Why the version cannot be used, or None; `base` is the manifest of what a delta completes.

    Raises UnavailableError.
    """
    try:
        with (
            workspace() as folder
        ):  # a model that ends its process leaves its files: the next check removes them
            whole = None if base is None else Manifest.model_validate(base)
            manifest = Manifest.model_validate(model.manifest)
            _ask(fetch_model(store, manifest, whole, folder))
    except UnavailableError:
        raise
    except SoftTimeLimitExceeded:
        raise
    except WallscanError as error:
        # The limit strikes anywhere, also where whatever a library raises is called the bundle's fault.
        if isinstance(error.__cause__, SoftTimeLimitExceeded):
            raise error.__cause__ from None
        return error
    except Exception as error:  # noqa: BLE001 - whatever it is, the version is not usable
        _log.exception("model %s %s", model.name, model.digest)
        return BundleError(Code.BUNDLE_UNLOADABLE, f"the model fails with {type(error).__name__}")
    return None


def _ask(folder: Path) -> None:
    """Loads the bundle and has it answer once: what never answered would fail every photo later."""
    grey = np.tile(np.linspace(0, 255, 256, dtype=np.uint8)[:, None, None], (1, 256, 3))
    engine = check_bundle(folder)
    answer = engine.probabilities(grey, DEFAULT_PROMPTS)
    if len(answer) != len(DEFAULT_PROMPTS) or answer.ndim != 3:
        raise BundleError(Code.BUNDLE_UNLOADABLE, f"the model answers in shape {answer.shape}")
    if "int8" in engine.manifest.admitted():
        with tempfile.TemporaryDirectory() as cache:
            open_openvino(folder, EngineSettings(Path(cache), "openvino"), "int8").probabilities(
                grey, DEFAULT_PROMPTS
            )
