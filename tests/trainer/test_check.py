import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import torch

import trainer.check
from tests.segment.tiny import FACTS, tiny_model, write_model, write_tiny
from tests.trainer.versions import given_version, write_delta
from trainer.check import check_model
from trainer.data import read_samples
from trainer.quantise import quantise
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, ConversionError, WallscanError
from wallscan.domain.lifecycle import ModelState
from wallscan.jobs.app import QueueSettings, make_celery
from wallscan.jobs.messages import CheckModel
from wallscan.jobs.send import send
from wallscan.models import bundle_digest, read_manifest, write_manifest
from wallscan.models.files import DECODER
from wallscan.models.manifest import QUANTISED
from wallscan.records import comparisons, model_checks, models
from wallscan.records.session import transaction
from wallscan.segment import compiled
from wallscan.segment.convert import convert
from wallscan.storage import keys
from wallscan.wire.models import ActivationOrder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hand_in(engine, store):
    """Registers a bundle's folder, uploads its files and puts it up for checking; returns its id."""

    def handed_in(folder, leave_out=()):
        manifest = read_manifest(folder)
        digest = bundle_digest(manifest)
        for file in manifest.files:
            if file.name not in leave_out:
                key = keys.model_file(digest, file.name)
                store.put_file(key, folder / file.name, "application/octet-stream")
        with transaction(engine) as session:
            model = models.announce(session, manifest.name, digest, manifest.model_dump(mode="json"))
            return model_checks.put_up(session, model.id).id

    return handed_in


def state_of(engine, model_id):
    with transaction(engine) as session:
        model = models.get(session, model_id)
    return model.state, model.code


def test_a_good_bundle_becomes_ready(engine, store, hand_in, tmp_path):
    model_id = hand_in(write_tiny(tmp_path / "bundle"))
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.READY, None)
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.READY, None)


def test_graphs_in_8_bits_are_asked_too(engine, store, hand_in, tmp_path, data, monkeypatch):
    monkeypatch.setattr(compiled, "_convert", convert)  # a process of its own would import torch anew
    check = {"mean_iou_drop": 0.0, "coverage_change": 0.0, "photos": 1, "benchmark_digest": "0" * 64}
    admitting = FACTS | {"precisions": {"int8": check}}
    bundle = write_tiny(tmp_path / "bundle")
    quantise(bundle, [sample.image for sample in read_samples([data])[0]])
    write_manifest(bundle, admitting)
    model = tiny_model()
    for parameter in model.clip.vision_model.parameters():
        parameter.data = parameter.data.flip(0)
    other = write_model(tmp_path / "other", model)
    for name in QUANTISED:
        shutil.copy(bundle / name, other)
    write_manifest(other, admitting)

    model_ids = [hand_in(folder) for folder in (bundle, other)]
    for model_id in model_ids:
        check_model(engine, store, model_id)
    ready, rejected = (state_of(engine, model_id) for model_id in model_ids)
    assert ready == (ModelState.READY, None)
    assert rejected == (ModelState.REJECTED, Code.BUNDLE_UNLOADABLE)


def test_a_conversion_that_is_killed_ends_the_check_and_another_check_may_go_well(
    engine, store, hand_in, tmp_path, monkeypatch
):
    folder = write_tiny(tmp_path / "bundle")
    model_id = hand_in(folder)

    def killed(_):
        raise ConversionError(Code.CONVERSION_KILLED, "killed")

    with monkeypatch.context() as without_memory:
        without_memory.setattr(trainer.check, "_ask", killed)
        check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.REJECTED, Code.CONVERSION_KILLED)
    check_model(engine, store, hand_in(folder))
    assert state_of(engine, model_id) == (ModelState.READY, None)


def test_a_file_that_never_came_is_named(engine, store, hand_in, tmp_path):
    model_id = hand_in(write_tiny(tmp_path / "bundle"), leave_out=("tokenizer.json",))
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.REJECTED, Code.BUNDLE_FILE_MISSING)


def cut_off(data):
    return data[:-7]


def flipped(data):
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


@pytest.mark.parametrize("harm", [cut_off, flipped, lambda _: b""])
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_what_arrived_altered_is_rejected_and_never_serves(engine, store, hand_in, tmp_path, name, harm):
    folder = write_tiny(tmp_path / "bundle")
    model_id = hand_in(folder)
    key = keys.model_file(bundle_digest(read_manifest(folder)), name)
    store.put(key, harm(store.get(key)), "application/octet-stream")
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.REJECTED, Code.BUNDLE_CHECKSUM_MISMATCH)
    order = ActivationOrder(force=True, reason="even so")
    with transaction(engine) as session, pytest.raises(WallscanError) as refused:
        comparisons.order(session, model_id, order, "a key")
    assert refused.value.code is Code.MODEL_NOT_READY


def test_a_decoder_alone_is_checked_over_its_base(engine, store, hand_in, tmp_path):
    base = write_tiny(tmp_path / "base")
    write_delta(tmp_path / "delta", base)
    with pytest.raises(BundleError) as refused:
        hand_in(tmp_path / "delta")
    assert refused.value.code is Code.BUNDLE_BASE_MISSING
    given_version(engine, store, base)
    model_id = hand_in(tmp_path / "delta")
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.READY, None)


@pytest.mark.parametrize(
    ("name", "code"),
    [("model.safetensors", Code.BUNDLE_CHECKSUM_MISMATCH), (None, Code.BUNDLE_FILE_MISSING)],
)
def test_a_decoder_over_a_damaged_base_is_rejected(engine, store, hand_in, tmp_path, name, code):
    base = write_tiny(tmp_path / "base")
    write_delta(tmp_path / "delta", base)
    given_version(engine, store, base)
    digest = bundle_digest(read_manifest(base))
    if name is None:
        store.delete(keys.model_file(digest, "config.json"))
    else:
        store.put(keys.model_file(digest, name), b"other", "application/octet-stream")
    model_id = hand_in(tmp_path / "delta")
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.REJECTED, code)


def test_a_decoder_that_does_not_fit_its_base_is_rejected(engine, store, hand_in, tmp_path):
    base, other = write_tiny(tmp_path / "base"), write_tiny(tmp_path / "other", reduce_dim=8)
    write_delta(tmp_path / "delta", base)
    (tmp_path / "delta" / DECODER).unlink()
    write_delta(tmp_path / "wrong", other)
    shutil.copyfile(tmp_path / "wrong" / DECODER, tmp_path / "delta" / DECODER)
    completed = read_manifest(tmp_path / "delta").delta_of
    write_manifest(tmp_path / "delta", {**FACTS, "delta_of": completed})
    given_version(engine, store, base)
    model_id = hand_in(tmp_path / "delta")
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.REJECTED, Code.BUNDLE_UNLOADABLE)


def test_a_model_that_answers_nan_is_rejected(engine, store, hand_in, tmp_path):
    model = tiny_model()
    with torch.no_grad():
        model.decoder.film_add.bias[0] = torch.nan
    model_id = hand_in(write_model(tmp_path / "bundle", model))
    check_model(engine, store, model_id)
    assert state_of(engine, model_id) == (ModelState.REJECTED, Code.INFERENCE_NOT_FINITE)


def test_an_unknown_model_changes_nothing(engine, store):
    with pytest.raises(WallscanError) as caught:
        check_model(engine, store, uuid.uuid4())
    assert caught.value.code == Code.MODEL_UNKNOWN


def test_the_service_answers_the_message(servers, engine, database_url, redis_url, hand_in, tmp_path):
    model_id = hand_in(write_tiny(tmp_path / "bundle"))
    queue = QueueSettings(redis_url=redis_url)
    assert send(make_celery(queue, "test"), [CheckModel(model_id=model_id)]) == 1
    s3 = servers.s3
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "S3_ENDPOINT_URL": s3.s3_endpoint_url or "",
        "S3_BUCKET": s3.s3_bucket,
        "AWS_ACCESS_KEY_ID": s3.aws_access_key_id or "",
        "AWS_SECRET_ACCESS_KEY": s3.aws_secret_access_key.get_secret_value(),
    }
    argv = [sys.executable, "-m", "celery", "-A", "trainer.main", "worker", "-Q", "trainer", "-c", "1"]
    quiet = subprocess.DEVNULL
    worker = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
    try:
        while state_of(engine, model_id)[0] is ModelState.CHECKING and worker.poll() is None:
            time.sleep(0.2)
        assert state_of(engine, model_id) == (ModelState.READY, None)
    finally:
        worker.terminate()
        worker.wait()
