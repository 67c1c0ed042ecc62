"""A comparison as a service: claimed, both versions fetched and asked, its outcome recorded.

Safe to call any number of times and to die in anywhere: a lost lease is claimed anew, and a version that
ends its process each time is given up.
"""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine

from trainer.benchmark import Benchmark, annotated, rendered_walls
from trainer.datasets import fetch_dataset
from trainer.gate import compare
from trainer.learnt import unseen
from trainer.workspace import workspace
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError, UnavailableError, WallscanError
from wallscan.jobs.heartbeat import held
from wallscan.models.manifest import Manifest
from wallscan.records import comparisons
from wallscan.records.claimed import Version
from wallscan.records.comparisons import Claim
from wallscan.records.session import transaction
from wallscan.segment import engine as port
from wallscan.storage import ObjectStore
from wallscan.storage.bundles import fetch_model
from wallscan.wire.models import Measured

_log = logging.getLogger(__name__)

LEASE_S = 60.0


def compare_model(
    engine: Engine, store: ObjectStore, comparison_id: uuid.UUID, lease_s: float = LEASE_S
) -> None:
    """Carry out a comparison if nobody else does: the version serves once it passed.

    Raises UnavailableError where a server is down; the comparison then waits.
    """
    with transaction(engine) as session:
        claim = comparisons.claim(session, comparison_id, lease_s)
    if claim is None:
        return

    def extend() -> bool:
        with transaction(engine) as session:
            return comparisons.extend(session, claim, lease_s)

    with held(extend, lease_s):
        _work(engine, store, claim)


def _work(engine: Engine, store: ObjectStore, claim: Claim) -> None:
    """Compare and record the end, whatever it is."""
    try:
        measured, refusal = _measure(store, claim)
        with transaction(engine) as session:
            if not comparisons.finish(session, claim, measured, refusal):
                _log.warning("comparison %s: another trainer has taken over", claim.id)
    except UnavailableError:
        with transaction(engine) as session:
            comparisons.release(session, claim)
        raise
    except WallscanError as error:
        _fail(engine, claim, _limit_of(error) or error)
    except SoftTimeLimitExceeded:
        _fail(engine, claim, _too_long())
    except Exception as error:  # noqa: BLE001 - the row must say so, whatever it is
        _log.exception("comparison %s", claim.id)
        _fail(engine, claim, WallscanError(Code.INTERNAL_ERROR, f"unexpected {type(error).__name__}"))


def _measure(store: ObjectStore, claim: Claim) -> tuple[Measured, str | None]:
    """As `gate.compare`. Raises BundleError, TrainingError, ArchiveError and UnavailableError."""
    with workspace() as folder, _benchmark(store, claim, folder) as benchmark:
        folders = [_fetched(store, version, folder) for version in (claim.model, claim.active)]
        # In full precision on the fastest device, the same for both.
        settings = port.EngineSettings(folder, "torch", "exact", torch.get_num_threads())
        model, active = (port.load_engine(fetched, settings) for fetched in folders)
        return compare(model, active, benchmark if claim.dataset is None else unseen(benchmark, folders))


@contextmanager
def _benchmark(store: ObjectStore, claim: Claim, folder: Path) -> Iterator[Benchmark]:
    if claim.dataset is None:
        with rendered_walls() as walls:
            yield walls
    else:
        found = folder / "benchmark"
        fetch_dataset(store, claim.dataset, found)
        yield annotated(claim.dataset.name, claim.dataset.sha256, found)


def _fetched(store: ObjectStore, version: Version, folder: Path) -> Path:
    models = folder / "models"
    models.mkdir(exist_ok=True)
    base = None if version.base is None else Manifest.model_validate(version.base)
    return fetch_model(store, Manifest.model_validate(version.manifest), base, models)


def _limit_of(error: WallscanError) -> WallscanError | None:
    """The limit strikes anywhere, also where whatever a library raises is called the bundle's fault."""
    return _too_long() if isinstance(error.__cause__, SoftTimeLimitExceeded) else None


def _too_long() -> WallscanError:
    return TrainingError(Code.COMPARISON_TIMEOUT, "the comparison took longer than its time limit")


def _fail(engine: Engine, claim: Claim, error: WallscanError) -> None:
    with transaction(engine) as session:
        comparisons.fail(session, claim, error)
    _log.warning("comparison %s came to nothing: %s", claim.id, error)
