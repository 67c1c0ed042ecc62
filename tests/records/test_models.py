import threading

import pytest
from sqlalchemy import event

from tests.records.given import given_model
from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.lifecycle import ActivationKind
from wallscan.models.manifest import Manifest, bundle_digest
from wallscan.records import activations, model_checks, models
from wallscan.records.session import transaction

DIGEST = "d" * 64


@pytest.fixture
def announced(engine):
    with transaction(engine) as session:
        return models.announce(session, "house/model", DIGEST, {"name": "house/model"})


def test_a_digest_is_announced_once(engine, announced):
    with transaction(engine) as session:
        assert models.announce(session, "another name", DIGEST, {}) == announced


def test_a_name_means_its_newest_ready_version(engine, announced):
    with transaction(engine) as session:
        with pytest.raises(WallscanError) as caught:
            models.resolve(session, "house/model")
        assert caught.value.code is Code.MODEL_NOT_READY
    older, newer = given_model(engine), given_model(engine)
    with transaction(engine) as session:
        assert models.resolve(session, "a-model").id == newer != older
        models.announce(session, "a-model", "e" * 64, {})
        assert models.resolve(session, "a-model").id == newer
        assert models.resolve(session, str(older)).id == older


def test_a_digest_means_its_version_and_so_does_its_beginning(engine):
    model_id = given_model(engine, digest="e" * 20 + "f" * 44)
    given_model(engine, digest="e" * 64)
    with transaction(engine) as session:
        for wanted in ("e" * 20 + "f" * 44, "E" * 20 + "f" * 3):
            assert models.resolve(session, wanted).id == model_id
        for unknown in ("e" * 20 + "fe", "e" * 7, "e" * 12 + "%", "_" * 12):
            with pytest.raises(WallscanError) as caught:
                models.resolve(session, unknown)
            assert caught.value.code is Code.MODEL_UNKNOWN


def test_none_means_the_active_one(engine):
    first, second = given_model(engine), given_model(engine)
    with transaction(engine) as session:
        with pytest.raises(WallscanError) as caught:
            models.resolve(session, None)
        assert caught.value.code is Code.MODEL_NOT_READY
        for model in (first, second):
            activations.activate(session, model, ActivationKind.FORCED, reason="test")
            assert models.resolve(session, None).id == model


def test_a_bundle_that_a_check_rejects_meanwhile_is_registered_all_the_same(engine, monkeypatch):
    """Its maker checked it; what a trainer found was incomplete."""
    manifest = Manifest.model_validate(
        {
            "name": "house/model", "created_at": "2026-01-02T03:04:05Z", "licence": "mine",
            "default_presence": 0.5, "files": [{"name": "a.json", "size_bytes": 1, "sha256": "0" * 64}],
        }
    )  # fmt: skip
    with transaction(engine) as session:
        model_id = models.announce(session, manifest.name, bundle_digest(manifest), {}).id
        model_checks.put_up(session, model_id)
    with transaction(engine) as session:
        held = model_checks.claim(session, model_id, 60)
    assert held is not None
    updates = []

    def reject(_connection, _cursor, statement, *_):
        """Right before the second UPDATE, the one that is not of announcing."""
        if statement.startswith("UPDATE model_versions "):
            updates.append(statement)
            if len(updates) == 2:
                with transaction(engine) as other:
                    model_checks.finish(other, held, WallscanError(Code.BUNDLE_FILE_MISSING, "no a.json"))

    event.listen(engine, "before_cursor_execute", reject)
    with transaction(engine) as session:
        made = models.register(session, manifest)
    assert len(updates) == 3
    assert (made.state, made.code, made.detail) == ("ready", None, None)


def test_many_who_announce_and_activate_in_one_transaction_do_not_block_each_other(engine):
    ready = [given_model(engine) for _ in range(4)]
    start = threading.Barrier(len(ready))
    failed = []

    def crown(number):
        try:
            with transaction(engine) as session:
                models.announce(session, "house/model", str(number) * 64, {})
                start.wait()
                activations.activate(session, ready[number], ActivationKind.FORCED, reason="test")
        except WallscanError as error:
            failed.append(error)

    threads = [threading.Thread(target=crown, args=(number,)) for number in range(len(ready))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with transaction(engine) as session:
        assert models.resolve(session, None).id in ready
