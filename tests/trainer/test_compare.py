"""Comparisons carried out on real servers."""

import time
from pathlib import Path

import pytest
import torch
from celery.exceptions import SoftTimeLimitExceeded

from tests.segment.tiny import tiny_model, write_model, write_tiny
from tests.trainer.data import write_data
from tests.trainer.versions import given_data_set, given_version, renamed, write_delta
from trainer import compare as service
from trainer.benchmark import annotated, rendered_walls
from trainer.compare import compare_model
from trainer.data import Photos
from trainer.learnt import unseen, write_learnt
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, UnavailableError, WallscanError
from wallscan.domain.lifecycle import ActivationKind, ComparisonState
from wallscan.models import bundle_digest, read_manifest
from wallscan.records import activations, benchmarks, comparisons
from wallscan.records.model_tables import ModelComparison
from wallscan.records.session import transaction
from wallscan.storage import keys
from wallscan.wire.models import ActivationOrder, Measured

MEASURED = Measured(benchmark="made up", benchmark_sha256="0" * 64, photos=3, groups=2, checks=[])


@pytest.fixture(autouse=True)
def few_walls(monkeypatch):
    """Where walls are rendered, it is the least that takes time."""
    monkeypatch.setattr(service, "rendered_walls", lambda: rendered_walls(1))


@pytest.fixture
def folders(tmp_path):
    """The version that serves, and one with the same weights under another name."""
    return write_tiny(tmp_path / "old"), renamed(write_tiny(tmp_path / "new"), "tests/new")


@pytest.fixture
def ask(engine):
    """Ask for a version while another one serves: the comparison's id."""

    def asked(active, model):
        with transaction(engine) as session:
            activations.activate(session, active, ActivationKind.FIRST)
        with transaction(engine) as session:
            assert not comparisons.order(session, model, ActivationOrder(), "a key")
            return comparisons.queued(session, model)[0].comparison_id

    return asked


@pytest.fixture
def comparison(engine, store, folders, ask):
    active, model = (given_version(engine, store, folder) for folder in folders)
    return ask(active, model)


def outcome(engine, comparison_id):
    with transaction(engine) as session:
        row = session.get_one(ModelComparison, comparison_id)
        active = activations.active(session)
    return row, active is not None and active.id == row.model_id


def test_an_equal_version_passes_on_a_data_set_and_serves(engine, store, folders, ask, tmp_path):
    dataset = given_data_set(engine, store, write_data(tmp_path / "data", count=20, side=48))
    with transaction(engine) as session:
        benchmarks.choose(session, dataset, "a key")
    active, model = (given_version(engine, store, folder) for folder in folders)
    comparison_id = ask(active, model)
    compare_model(engine, store, comparison_id)
    row, serves = outcome(engine, comparison_id)
    assert (row.state, row.code, serves) == (ComparisonState.PASSED, None, True)
    measured = Measured.model_validate(row.numbers)
    assert (measured.benchmark, measured.photos, measured.groups) == ("walls", 40, 20)
    assert all(check.passed and check.difference == 0 for check in measured.checks)
    with transaction(engine) as session:
        latest = activations.history(session, 1)[0]
    assert (latest.kind, latest.key_name, latest.comparison_id) == (ActivationKind.GATE, "a key", row.id)
    compare_model(engine, store, comparison_id)  # rung for a second time
    assert outcome(engine, comparison_id)[0].attempt == 1


def test_photos_that_one_of_both_learnt_from_judge_neither(engine, store, tmp_path, ask):
    folder = write_data(tmp_path / "data", count=24, side=48)
    dataset, photos = given_data_set(engine, store, folder), annotated("walls", "", folder)
    with transaction(engine) as session:
        benchmarks.choose(session, dataset, "a key")
    folders = [write_tiny(tmp_path / name) for name in ("old", "new")]
    write_learnt(Photos(photos.samples[:3], [], []), None, folders[1])
    expected = unseen(photos, folders)
    active, model = (given_version(engine, store, renamed(one, f"tests/{one.name}")) for one in folders)
    comparison_id = ask(active, model)
    compare_model(engine, store, comparison_id)
    measured = Measured.model_validate(outcome(engine, comparison_id)[0].numbers)
    assert measured.left_out == expected.left_out >= 3
    assert measured.photos == len(expected.samples) < len(photos.samples)
    assert f"{measured.left_out} left out" in measured.judged_on


def test_one_that_is_refused_does_not_serve_unless_forced(engine, store, comparison, monkeypatch):
    monkeypatch.setattr(service, "compare", lambda *_: (MEASURED, "it came out worse"))
    compare_model(engine, store, comparison)
    row, serves = outcome(engine, comparison)
    assert (row.state, row.code, row.detail) == (
        ComparisonState.REFUSED,
        Code.MODEL_GATE_REFUSED,
        "it came out worse",
    )
    assert not serves
    with transaction(engine) as session, pytest.raises(WallscanError) as refused:
        comparisons.order(session, row.model_id, ActivationOrder(), "a key")
    assert refused.value.code is Code.MODEL_GATE_REFUSED
    with transaction(engine) as session:
        order = ActivationOrder(force=True, reason="the old one is blind on tiles")
        assert comparisons.order(session, row.model_id, order, "a key")
        forced = activations.history(session, 1)[0]
    assert (forced.kind, forced.reason, forced.comparison_id) == (
        ActivationKind.FORCED,
        order.reason,
        comparison,
    )


def test_a_decoder_alone_is_compared_over_its_base(engine, store, tmp_path, ask, monkeypatch):
    base = write_tiny(tmp_path / "base")
    active = given_version(engine, store, base)
    write_delta(tmp_path / "delta", base)
    comparison_id = ask(active, given_version(engine, store, tmp_path / "delta"))
    names = list[str]()

    def noted(model, active, _):
        names.extend((model.manifest.name, active.manifest.name))
        return MEASURED, None

    monkeypatch.setattr(
        service,
        "compare",
        noted,
    )
    compare_model(engine, store, comparison_id)
    assert outcome(engine, comparison_id)[1]
    assert names == ["tests/delta", "tests/tiny"]


def delete(store, key):
    store.delete(key)


def truncate(store, key):
    store.put(key, store.get(key)[:-7], "application/octet-stream")


def flip(store, key):
    data = bytearray(store.get(key))
    data[len(data) // 2] ^= 1
    store.put(key, bytes(data), "application/octet-stream")


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (delete, Code.BUNDLE_FILE_MISSING),
        (truncate, Code.BUNDLE_CHECKSUM_MISMATCH),
        (flip, Code.BUNDLE_CHECKSUM_MISMATCH),
    ],
)
def test_one_that_was_damaged_in_storage_never_serves(engine, store, folders, comparison, harm, code):
    harm(store, keys.model_file(bundle_digest(read_manifest(folders[1])), "model.safetensors"))
    compare_model(engine, store, comparison)
    row, serves = outcome(engine, comparison)
    assert (row.state, row.code, serves) == (ComparisonState.FAILED, code, False)


def test_one_that_answers_nan_never_serves(engine, store, tmp_path, ask):
    active = given_version(engine, store, write_tiny(tmp_path / "old"))
    model = tiny_model()
    with torch.no_grad():
        model.decoder.film_add.bias[0] = torch.nan
    broken = renamed(write_model(tmp_path / "new", model), "tests/broken")
    comparison_id = ask(active, given_version(engine, store, broken))
    compare_model(engine, store, comparison_id)
    row, serves = outcome(engine, comparison_id)
    assert (row.code, serves) == (Code.INFERENCE_NOT_FINITE, False)


@pytest.mark.parametrize(
    ("harm", "code"),
    [(delete, Code.DATASET_NOT_UPLOADED), (flip, Code.DATASET_CHECKSUM_MISMATCH)],
)
def test_a_benchmark_that_is_not_the_frozen_one_is_none(engine, store, folders, ask, tmp_path, harm, code):
    dataset = given_data_set(engine, store, write_data(tmp_path / "data", count=1, side=48))
    with transaction(engine) as session:
        benchmarks.choose(session, dataset, "a key")
    comparison_id = ask(*(given_version(engine, store, folder) for folder in folders))
    harm(store, keys.dataset(dataset))
    compare_model(engine, store, comparison_id)
    row, serves = outcome(engine, comparison_id)
    assert (row.state, row.code, serves) == (ComparisonState.FAILED, code, False)


def wrapped(*_):
    raise BundleError(Code.BUNDLE_UNLOADABLE, "the model does not load") from SoftTimeLimitExceeded()


def raising(error):
    def stand_in(*_):
        raise error

    return stand_in


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (raising(SoftTimeLimitExceeded()), Code.COMPARISON_TIMEOUT),
        (wrapped, Code.COMPARISON_TIMEOUT),
        (raising(MemoryError()), Code.INTERNAL_ERROR),
    ],
)
def test_whatever_happens_the_row_says_so(engine, store, comparison, monkeypatch, happens, code):
    monkeypatch.setattr(service, "compare", happens)
    compare_model(engine, store, comparison)
    row, serves = outcome(engine, comparison)
    assert (row.state, row.code, serves) == (ComparisonState.FAILED, code, False)


def test_a_server_that_is_away_costs_no_attempt(engine, store, comparison, monkeypatch):
    away = UnavailableError(Code.STORAGE_UNAVAILABLE, "storage does not answer")
    monkeypatch.setattr(service, "compare", raising(away))
    with pytest.raises(UnavailableError):
        compare_model(engine, store, comparison)
    row, _ = outcome(engine, comparison)
    assert (row.state, row.attempt) == (ComparisonState.QUEUED, 0)


def test_a_comparison_that_takes_long_keeps_its_lease(engine, store, comparison, monkeypatch):
    def slow(*_):
        leases = {outcome(engine, comparison)[0].lease_until}
        while len(leases) < 3:
            time.sleep(0.05)
            leases.add(outcome(engine, comparison)[0].lease_until)
        with transaction(engine) as session:
            assert comparisons.claim(session, comparison, 60.0) is None
        return MEASURED, None

    monkeypatch.setattr(service, "compare", slow)
    compare_model(engine, store, comparison, lease_s=3.0)
    assert outcome(engine, comparison)[1]


def test_nothing_is_left_on_disk(engine, store, comparison, monkeypatch, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    seen = list[Path]()

    def looking(*_):
        seen.extend(scratch.rglob("*"))
        return MEASURED, None

    monkeypatch.setattr(service, "compare", looking)
    compare_model(engine, store, comparison)
    assert any(path.name == "model.safetensors" for path in seen)
    assert list(scratch.iterdir()) == []
