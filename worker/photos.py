"""One photo of a run: claim, fetch, look, store, record. Whatever happens, the row says what."""

import hashlib
import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from celery.exceptions import SoftTimeLimitExceeded

from wallscan.domain.codes import Code
from wallscan.domain.errors import (
    BundleError,
    ConversionError,
    InferenceError,
    PhotoError,
    PipelineError,
    PromptError,
    UnavailableError,
    WallscanError,
)
from wallscan.domain.lifecycle import MAX_ATTEMPTS
from wallscan.jobs.heartbeat import held
from wallscan.records import runs, tasks
from wallscan.records.session import transaction
from wallscan.records.tasks import Claim, ItemResult
from wallscan.storage import ObjectMissing, ObjectStore, keys
from worker.pipeline import Analysis, Finding, analyse
from worker.recorded import recorded_maps
from worker.resources import Resources
from worker.scene import Hints

_log = logging.getLogger(__name__)

_AT_ONCE = 8
"""Files of a photo on their way to storage: those of four prompts."""


def inspect_photo(resources: Resources, run_id: uuid.UUID, photo_id: uuid.UUID) -> None:
    """Work on a photo if it is free, and end its run if it was the last.

    Safe to call any number of times, at the same time, and to die in anywhere.
    """
    with transaction(resources.engine) as session:
        claim = tasks.claim(session, run_id, photo_id, resources.name, resources.lease_s)
    if claim is not None:
        with held(lambda: _extend(resources, claim), resources.lease_s):
            _work(resources, claim)
    with transaction(resources.engine) as session:
        runs.complete_if_done(session, run_id)


def _extend(resources: Resources, claim: Claim) -> bool:
    with transaction(resources.engine) as session:
        return tasks.extend(session, claim, resources.lease_s)


def _work(resources: Resources, claim: Claim) -> None:
    try:
        _record(resources, claim, _analysis(resources, claim))
    except UnavailableError as error:
        _log.warning("photo %s of run %s waits: %s", claim.photo_id, claim.run_id, error)
        _release(resources, claim, count_try=False)
    except (BundleError, PipelineError, PromptError) as error:
        with transaction(resources.engine) as session:
            runs.fail(session, claim, error.code, error.detail)
    except (PhotoError, InferenceError) as error:
        _fail(resources, claim, error.code, error.detail)
    except ConversionError as error:
        _try_again(resources, claim, error.code, error.detail)
    except SoftTimeLimitExceeded:
        _try_again(resources, claim, Code.INFERENCE_TIMEOUT, "the photo took longer than its time limit")
    except Exception as error:  # noqa: BLE001 - the row must say so, whatever it is
        _log.exception("photo %s of run %s", claim.photo_id, claim.run_id)
        _try_again(resources, claim, Code.INFERENCE_FAILED, f"unexpected {type(error).__name__}")


def _analysis(resources: Resources, claim: Claim) -> Analysis:
    data = _fetch(resources, claim)
    try:
        source = recorded_maps(resources.store, claim) or resources.models.engine(
            claim.model_digest, claim.model_manifest, claim.base_manifest
        )
        return analyse(data, claim.prompts, source, claim.postprocess, claim.look, Hints.of(claim))
    except WallscanError as error:
        # The limit strikes anywhere, also where whatever a library raises is called the file's fault.
        if isinstance(error.__cause__, SoftTimeLimitExceeded):
            raise error.__cause__ from None
        raise


def _fetch(resources: Resources, claim: Claim) -> bytes:
    try:
        data = resources.store.get(keys.photo(claim.inspection_id, claim.photo_id))
    except ObjectMissing as error:
        raise PhotoError(Code.PHOTO_NOT_UPLOADED, "storage does not hold the photo") from error
    if claim.sha256 is not None and hashlib.sha256(data).hexdigest() != claim.sha256:
        raise PhotoError(Code.PHOTO_CHECKSUM_MISMATCH, "these are not the bytes that were announced")
    return data


def _record(resources: Resources, claim: Claim, analysis: Analysis) -> None:
    """Masks and maps first, then the rows that name them: a row never points at nothing."""
    results = []
    for index, finding in enumerate(analysis.findings):
        place = (claim.run_id, claim.photo_id, claim.attempt, index)
        result = ItemResult(
            prompt_index=index,
            mask_key=keys.mask(*place),
            mask_sha256=finding.mask_sha256,
            map_key=keys.probability_map(*place),
            map_sha256=finding.map_sha256,
            **asdict(finding.numbers),
            view_cells=finding.view_cells,
            measured={"basis": finding.basis.value, **asdict(finding.measurements)},
        )
        results.append(result)
    _store(resources.store, results, analysis.findings)
    with transaction(resources.engine) as session:
        recorded = tasks.finish(session, claim, analysis.facts, results, analysis.runtime)
    if not recorded:
        _log.warning("photo %s of run %s: the claim was lost", claim.photo_id, claim.run_id)
        resources.store.delete_many(key for result in results for key in (result.mask_key, result.map_key))


def _store(store: ObjectStore, results: Sequence[ItemResult], findings: Sequence[Finding]) -> None:
    """All files of a photo at once: where storage is far, they wait for it together."""
    files = [
        (key, data)
        for result, finding in zip(results, findings, strict=True)
        for key, data in ((result.mask_key, finding.mask_png), (result.map_key, finding.map_png))
    ]
    pool = ThreadPoolExecutor(min(len(files), _AT_ONCE))
    try:
        for stored in [pool.submit(store.put, key, data, "image/png") for key, data in files]:
            stored.result()
    finally:
        # Where one cannot be stored, those that wait need not be tried.
        pool.shutdown(cancel_futures=True)


def _fail(resources: Resources, claim: Claim, code: Code, detail: str) -> None:
    with transaction(resources.engine) as session:
        tasks.fail(session, claim, code, detail)


def _release(resources: Resources, claim: Claim, *, count_try: bool) -> None:
    with transaction(resources.engine) as session:
        tasks.release(session, claim, count_try=count_try)


def _try_again(resources: Resources, claim: Claim, code: Code, detail: str) -> None:
    if claim.tries < MAX_ATTEMPTS:
        _release(resources, claim, count_try=True)
    else:
        _fail(resources, claim, code, detail)
