import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from api.seed import seed
from tests.records.given import given_model
from wallscan.domain.errors import BundleError
from wallscan.domain.lifecycle import ActivationKind
from wallscan.models.files import read_manifest
from wallscan.models.manifest import bundle_digest
from wallscan.models.starter import starter_bundle
from wallscan.records import activations, models
from wallscan.records.session import transaction
from wallscan.storage import keys


def test_the_shipped_model_is_stored_ready_and_active(engine, store):
    assert seed(engine, store, starter_bundle())
    manifest = read_manifest(starter_bundle())
    with transaction(engine) as session:
        active = models.resolve(session, None)
    assert active.digest == bundle_digest(manifest)
    for file in manifest.files:
        assert store.stat(keys.model_file(active.digest, file.name)).size_bytes == file.size_bytes


def test_seeding_again_or_twice_at_once_changes_nothing(engine, store):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: seed(engine, store, starter_bundle()), range(2)))
    assert not seed(engine, store, starter_bundle())
    with transaction(engine) as session:
        assert len(models.page(session, None, 10)) == 1


def test_another_active_model_stays_active(engine, store):
    other = given_model(engine)
    with transaction(engine) as session:
        activations.activate(session, other, ActivationKind.FORCED, reason="test")
    assert not seed(engine, store, starter_bundle())
    with transaction(engine) as session:
        assert models.resolve(session, None).id == other


def test_an_upgrade_brings_its_model_along_once(engine, store):
    older = given_model(engine, name=read_manifest(starter_bundle()).name)
    with transaction(engine) as session:
        activations.activate(session, older, ActivationKind.FORCED, reason="test")
    assert seed(engine, store, starter_bundle())
    with transaction(engine) as session:
        activations.activate(session, older, ActivationKind.FORCED, reason="test")
    assert not seed(engine, store, starter_bundle())
    with transaction(engine) as session:
        assert models.resolve(session, None).id == older


def test_a_version_chosen_while_the_seed_waits_stays(engine, store):
    older, chosen = given_model(engine, name=read_manifest(starter_bundle()).name), given_model(engine)
    with transaction(engine) as session:
        activations.activate(session, older, ActivationKind.FORCED, reason="test")
    with ThreadPoolExecutor(1) as pool:
        with transaction(engine) as session:
            activations.activate(session, chosen, ActivationKind.FORCED, reason="test")
            seeding = pool.submit(seed, engine, store, starter_bundle())
            while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                time.sleep(0.01)
        assert not seeding.result()
    with transaction(engine) as session:
        assert models.resolve(session, None).id == chosen


def test_a_damaged_bundle_is_refused_and_not_registered(engine, store, tmp_path):
    bundle = shutil.copytree(starter_bundle(), tmp_path / "bundle")
    with (bundle / "model.safetensors").open("r+b") as weights:
        weights.truncate(1000)
    with pytest.raises(BundleError):
        seed(engine, store, bundle)
    with transaction(engine) as session:
        assert models.page(session, None, 10) == []
