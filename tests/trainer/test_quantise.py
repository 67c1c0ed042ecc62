"""A bundle's graphs in 8 bits, made of photos and run by the worker's engine."""

import shutil

import numpy as np
import pytest

from tests.segment.tiny import FACTS, tiny_model, write_model, write_tiny
from trainer.data import read_samples
from trainer.quantise import quantise
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, TrainingError
from wallscan.models.files import check_files, write_manifest
from wallscan.models.manifest import QUANTISED
from wallscan.segment import compiled
from wallscan.segment.convert import convert
from wallscan.segment.engine import EngineSettings
from wallscan.segment.openvino_graphs import open_openvino

PROMPTS = ("crack", "drywall joint")


@pytest.fixture(scope="module")
def quantised(tmp_path_factory, data):
    """A tiny bundle with its quantised graphs."""
    bundle = write_tiny(tmp_path_factory.mktemp("quantised") / "bundle")
    quantise(bundle, [sample.image for sample in read_samples([data])[0]])
    write_manifest(bundle, FACTS)
    return bundle


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Conversions in this process: one of its own would import torch each time."""
    monkeypatch.setattr(compiled, "_convert", convert)


@pytest.fixture
def photo():
    return np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def opened(bundle, cache, precision):
    return open_openvino(bundle, EngineSettings(cache, "openvino"), precision)


@pytest.mark.parametrize("precision", ["int8", "int8_bf16"])
def test_the_engine_runs_them_and_answers_nearly_the_same(quantised, tmp_path, photo, precision):
    exact = opened(quantised, tmp_path, "f32").probabilities(photo, PROMPTS)
    engine = opened(quantised, tmp_path, precision)
    fast = engine.probabilities(photo, PROMPTS)
    assert engine.runtime.precision == precision
    assert 0 < np.abs(fast - exact).max() < 0.05
    again = opened(quantised, tmp_path, precision).probabilities(photo, PROMPTS[::-1])[::-1]
    assert np.array_equal(again, fast)


def test_they_are_integers_on_disk(quantised):
    assert all((quantised / name).stat().st_size for name in QUANTISED)
    assert "FakeQuantize" in (quantised / QUANTISED[0]).read_text()
    assert 'element_type="i8"' in (quantised / QUANTISED[0]).read_text()


def refusal(bundle, cache):
    with pytest.raises(BundleError) as caught:
        opened(bundle, cache, "int8")
    assert caught.value.code is Code.BUNDLE_UNLOADABLE
    return caught.value.detail


def with_graphs_of(quantised, folder, model, side=48):
    """Another model's bundle with the quantised graphs of this one."""
    bundle = write_model(folder, model, side)
    for name in QUANTISED:
        shutil.copy(quantised / name, bundle)
    write_manifest(bundle, FACTS)
    return bundle


def test_graphs_of_other_weights_are_refused(quantised, tmp_path):
    model = tiny_model()
    for parameter in model.clip.vision_model.parameters():
        parameter.data = parameter.data.flip(0)
    other = with_graphs_of(quantised, tmp_path / "other", model)
    assert "was not made of these weights" in refusal(other, tmp_path / "cache")


def test_graphs_of_another_input_are_refused(quantised, tmp_path):
    other = with_graphs_of(quantised, tmp_path / "other", tiny_model(), side=64)
    assert "does not fit" in refusal(other, tmp_path / "cache")


def test_graphs_that_cannot_be_read_are_refused(quantised, tmp_path):
    broken = shutil.copytree(quantised, tmp_path / "broken")
    (broken / QUANTISED[2]).write_text("<net>")
    write_manifest(broken, FACTS)
    assert QUANTISED[2] in refusal(broken, tmp_path / "cache")


def test_a_bundle_that_admits_int8_holds_them(quantised, tmp_path):
    check = {"mean_iou_drop": 0.0, "coverage_change": 0.0, "photos": 1, "benchmark_digest": "0" * 64}
    copy = shutil.copytree(quantised, tmp_path / "copy")
    write_manifest(copy, FACTS | {"precisions": {"int8": check}})
    assert check_files(copy).admitted() == {"int8"}
    (copy / QUANTISED[1]).unlink()
    with pytest.raises(ValueError, match="holds the quantised graphs"):
        write_manifest(copy, FACTS | {"precisions": {"int8": check}})


def test_without_photos_there_is_nothing_to_read_ranges_off(quantised):
    with pytest.raises(TrainingError) as caught:
        quantise(quantised, [])
    assert caught.value.code is Code.TRAINING_PHOTOS_MISSING
