"""A training as a service: claimed, carried out in a folder of its own, published, its end recorded.

Safe to call any number of times and to die in anywhere: see docs/flow.md.
"""

import logging
import uuid
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy import Engine

from trainer.checkpoint import BEST
from trainer.commands.data import chosen_classes
from trainer.commands.train import REPORT, read
from trainer.data import Classes, Photos
from trainer.datasets import fetch_dataset
from trainer.fit import fit, left_off, publish_weights
from trainer.origin import Origin
from trainer.recipe import Recipe, invalid_recipe, shipped_recipe
from trainer.reporter import Reporter
from trainer.stored_checkpoints import ClaimLostError, StoredCheckpoints, clear_ended
from trainer.watch import TrainingCancelled
from trainer.workspace import workspace
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError, UnavailableError, WallscanError
from wallscan.domain.lifecycle import MAX_ATTEMPTS
from wallscan.jobs.heartbeat import held
from wallscan.models.files import check_files
from wallscan.models.manifest import Manifest
from wallscan.records import models, training_claims
from wallscan.records.claimed import Version
from wallscan.records.session import transaction
from wallscan.records.training_claims import TrainingClaim
from wallscan.storage import ObjectStore
from wallscan.storage.bundles import fetch_model, store_bundle
from wallscan.wire.data_report import DataReport

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What a trainer works with: `name` is its own, for people; times in seconds."""

    engine: Engine
    store: ObjectStore
    name: str
    lease_s: float
    checkpoint_every_s: float


def run_training(service: Service, training_id: uuid.UUID) -> None:
    """Carry out a training, or go on with it, if nobody else does; then delete what ended ones left.

    Raises UnavailableError.
    """
    with transaction(service.engine) as session:
        claim = training_claims.claim(session, training_id, service.name, service.lease_s)
    if claim is not None:
        checkpoints = StoredCheckpoints(service.engine, service.store, claim)
        reporter = Reporter(service.engine, claim, checkpoints, service.lease_s, service.checkpoint_every_s)
        with held(reporter.extend, service.lease_s):
            _work(service, claim, checkpoints, reporter)
    clear_ended(service.engine, service.store, training_id)


def _work(service: Service, claim: TrainingClaim, checkpoints: StoredCheckpoints, reporter: Reporter) -> None:
    """Train and record the end, whatever it is."""
    try:
        with workspace() as folder:
            _train(service, claim, checkpoints, reporter, folder)
    except ClaimLostError:
        _log.warning("training %s: another trainer has taken over", claim.id)
    except TrainingCancelled:
        with transaction(service.engine) as session:
            training_claims.cancelled(session, claim)
    except UnavailableError as error:
        _log.warning("training %s waits: %s", claim.id, error)
        with transaction(service.engine) as session:
            training_claims.release(session, claim)
    except WallscanError as error:
        with transaction(service.engine) as session:
            training_claims.fail(session, claim, error.code, error.detail)
    except Exception as error:  # noqa: BLE001 - the row must say so, whatever it is
        _log.exception("training %s", claim.id)
        with transaction(service.engine) as session:
            training_claims.crashed(session, claim, _unexpected(error))


def _train(
    service: Service, claim: TrainingClaim, checkpoints: StoredCheckpoints, reporter: Reporter, folder: Path
) -> None:
    recipe = _recipe(claim)
    with transaction(service.engine) as session:
        if not training_claims.settle(session, claim, recipe.model_dump(mode="json")):
            raise ClaimLostError
    classes = _classes(claim, folder)
    base = None if claim.base is None else _base(service.store, claim.base, folder)
    data = [folder / "data" / str(place) for place in range(len(claim.datasets))]
    left_out = [
        line
        for dataset, place in zip(claim.datasets, data, strict=True)
        for line in fetch_dataset(service.store, dataset, place)
    ]
    photos = read(data, recipe, Console(stderr=True), claim.split, classes, folder / REPORT, left_out)
    _tell(service, claim, folder / REPORT)
    origin = Origin(licence=claim.licence, attribution=tuple(claim.attribution))
    run, bundle, failure = folder / "run", folder / "bundle", _exhausted(claim)
    checkpoints.restore(run)
    if failure is None:
        try:
            manifest = fit(recipe, photos, run, bundle, claim.name, base, reporter, origin=origin)
        except (ClaimLostError, TrainingCancelled, UnavailableError):
            raise
        except Exception as error:
            failure = _final(error, claim)
            if failure is None or not (run / BEST).is_file():
                raise
            _log.exception("training %s fails; its best epoch is published", claim.id)
    if failure is not None:
        manifest = _best(photos, run, bundle, claim.name, base, origin)
    reporter.flush()
    store_bundle(service.store, manifest, bundle)
    _finish(service, claim, manifest, failure)


def _exhausted(claim: TrainingClaim) -> WallscanError | None:
    return TrainingError(Code.ATTEMPTS_EXHAUSTED, claim.exhausted) if claim.exhausted else None


def _final(error: Exception, claim: TrainingClaim) -> WallscanError | None:
    """What a training fails with by this error; None where it is tried again."""
    if isinstance(error, WallscanError):
        return error
    return TrainingError(Code.INTERNAL_ERROR, _unexpected(error)) if claim.tries >= MAX_ATTEMPTS else None


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {error}"[:500]


def _best(photos: Photos, run: Path, bundle: Path, name: str, base: Path | None, origin: Origin) -> Manifest:
    """The bundle of a run's best epoch: nobody else can make one, for its checkpoints go with its end."""
    recipe, progress = left_off(run, photos, base)
    return publish_weights(progress, recipe, photos, run, bundle, name, base, origin, best=True)


def _finish(
    service: Service, claim: TrainingClaim, manifest: Manifest, failure: WallscanError | None
) -> None:
    """The version is there when the training has ended, and not before."""
    with transaction(service.engine) as session:
        model = models.register(session, manifest)
        if failure is None:
            ended = training_claims.finish(session, claim, model.id)
        else:
            ended = training_claims.fail(session, claim, failure.code, failure.detail, model.id)
        if not ended:
            raise ClaimLostError
    _log.info("training %s ended with model %s %s", claim.id, model.name, model.digest)


def _recipe(claim: TrainingClaim) -> Recipe:
    """Every number, the seed in its place. Raises TrainingError `recipe_invalid`."""
    try:
        plain = claim.recipe or shipped_recipe(str(claim.recipe_name)).model_dump(mode="json")
        return Recipe.model_validate(plain if claim.seed is None else {**plain, "seed": claim.seed})
    except ValidationError as error:
        raise invalid_recipe(error) from error


def _classes(claim: TrainingClaim, folder: Path) -> Classes | None:
    """Those that were ordered, judged as a command's file is. Raises TrainingError `classes_invalid`."""
    if claim.classes is None:
        return None
    file = folder / "classes.yaml"
    file.write_text(yaml.safe_dump(claim.classes, sort_keys=False), encoding="utf-8")
    return chosen_classes(file)


def _tell(service: Service, claim: TrainingClaim, file: Path) -> None:
    """Keep the reports before anything is trained: a training that fails on its data shows them too."""
    report = DataReport.model_validate_json(file.read_bytes())
    with transaction(service.engine) as session:
        if not training_claims.data_read(session, claim, report):
            raise ClaimLostError


def _base(store: ObjectStore, version: Version, folder: Path) -> Path:
    """The folder of the model to start from, its files checked. Raises BundleError, UnavailableError."""
    parent = folder / "base"
    parent.mkdir()
    whole = None if version.base is None else Manifest.model_validate(version.base)
    found = fetch_model(store, Manifest.model_validate(version.manifest), whole, parent)
    check_files(found)
    return found
