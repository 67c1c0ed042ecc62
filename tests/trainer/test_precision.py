"""What a faster precision costs, and who may use it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.segment.tiny import write_tiny
from trainer.__main__ import app
from trainer.commands import precision as command
from trainer.data import SplitBy, digest_of, parts, read_samples
from trainer.precision import checked_precisions
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.files import check_files
from wallscan.models.manifest import QUANTISED, FastPrecision, Manifest, bundle_digest
from wallscan.segment import openvino_runtime
from wallscan.segment.engine import EngineSettings, Runtime
from wallscan.segment.openvino_graphs import chosen_precision


@pytest.fixture
def bundle(tmp_path):
    return write_tiny(tmp_path / "bundle")


@pytest.fixture
def samples(data):
    return parts(read_samples([data])[0], SplitBy.OFFICIAL)["valid"]


class Answers:
    """An engine that marks the photos' middle, `wide` cells of 20 high and 20 across."""

    input_px = 400
    runtime = Runtime("arithmetic", "1", "cpu", "f32")

    def __init__(self, manifest: Manifest, wide: int) -> None:
        self.manifest = manifest.model_copy(update={"default_presence": 0.0, "families": ()})
        self._wide = wide

    def probabilities(self, image, prompts):  # noqa: ARG002 - the port's
        answer = np.zeros((len(prompts), 400, 400), np.float32)
        answer[:, 100:300, 100 : 100 + self._wide] = 1.0
        return answer


def checked(bundle, samples, **wide):
    """What it costs where a precision marks so many cells, and 200 in float32."""
    manifest, cells = check_files(bundle), {"f32": 200, **wide}
    tried: FastPrecision = "int8" if "int8" in wide else "bf16"
    return checked_precisions(lambda each: Answers(manifest, cells[each]), [tried], samples)[tried]


def test_the_same_masks_cost_nothing_and_are_admitted(bundle, samples):
    check = checked(bundle, samples, bf16=200)
    assert (check.mean_iou_drop, check.coverage_change, check.admitted) == (0.0, 0.0, True)
    assert check.photos == len(samples)


def test_coverage_that_changes_by_over_one_per_cent_is_refused(bundle, samples):
    check = checked(bundle, samples, bf16=190)
    assert check.coverage_change == pytest.approx(-0.05, abs=0.015)
    assert not check.admitted


@pytest.mark.parametrize("wide", [{"int8": 190, "int8_bf16": 200}, {"int8": 200, "int8_bf16": 190}])
def test_int8_is_as_good_as_the_worse_of_both_that_it_allows(bundle, samples, wide):
    assert checked(bundle, samples, int8=200, int8_bf16=200).admitted
    assert checked(bundle, samples, **wide).coverage_change == pytest.approx(-0.05, abs=0.015)


def test_the_benchmark_is_named_by_its_photos_and_its_truth(samples):
    whole = digest_of(samples)
    assert digest_of(samples[::-1]) == whole
    assert digest_of(samples[1:]) != whole
    other_truth = replace(samples[0], shapes={"crack": ()})
    assert digest_of([other_truth, *samples[1:]]) != whole


def test_photos_that_show_nothing_are_no_benchmark(bundle):
    with pytest.raises(TrainingError) as caught:
        checked(bundle, [], bf16=200)
    assert caught.value.code is Code.BENCHMARK_UNUSABLE


@pytest.fixture
def answering(bundle, monkeypatch):
    """A processor that gains by bf16 and more by int8, and a bundle that marks so many cells in each."""
    monkeypatch.setattr(command, "has_bf16", lambda: True)
    seconds = {"f32": 4, "bf16": 2, "int8": 1, "int8_bf16": 1}
    monkeypatch.setattr(openvino_runtime, "has_bf16", lambda: True)
    monkeypatch.setattr(openvino_runtime, "product_s", lambda precision, *_: seconds[precision])

    def set_wide(**wide):
        cells = {"f32": 200, **wide}
        manifest = check_files(bundle)
        monkeypatch.setattr(command, "open_openvino", lambda *asked: Answers(manifest, cells[asked[2]]))

    return set_wide


@pytest.mark.parametrize(
    ("wide", "precision"),
    [
        ({"bf16": 200, "int8": 200, "int8_bf16": 200}, "int8_bf16"),
        ({"bf16": 200, "int8": 190, "int8_bf16": 200}, "bf16"),
        ({"bf16": 190, "int8": 190, "int8_bf16": 190}, "f32"),
    ],
)
def test_the_command_decides_what_fast_is(bundle, data, tmp_path_factory, answering, wide, precision):
    cache = tmp_path_factory.mktemp("cache")

    def chosen(wish):
        return chosen_precision(bundle, EngineSettings(cache, "openvino", wish))

    before = bundle_digest(check_files(bundle))
    answering(**wide)
    assert chosen("fast") == "f32"
    done = CliRunner().invoke(app, ["precision", "--model", str(bundle), "--data", str(data)])
    assert done.exit_code == 0, done.output
    after = check_files(bundle)
    assert bundle_digest(after) != before
    assert bundle_digest(after) in done.output
    assert (chosen("fast"), chosen("exact")) == (precision, "f32")
    assert after.precisions is not None
    assert set(after.precisions) == {"bf16", "int8"}
    assert all((bundle / name).exists() == ("int8" in after.admitted()) for name in QUANTISED)
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


def test_without_photos_to_make_8_bits_of_only_bf16_is_tried(bundle, data, tmp_path, answering):
    answering(bf16=200)
    for judges in data.glob("*/valid"):
        shutil.copytree(judges, tmp_path / "photos" / judges.relative_to(data))
    photos = str(tmp_path / "photos")
    done = CliRunner().invoke(app, ["precision", "--model", str(bundle), "--data", photos])
    precisions = check_files(bundle).precisions
    assert precisions is not None, done.output
    assert set(precisions) == {"bf16"}


def test_the_command_says_where_nothing_can_be_measured(bundle, data, monkeypatch):
    monkeypatch.setattr(command, "has_bf16", lambda: False)
    before = check_files(bundle)
    done = CliRunner().invoke(app, ["precision", "--model", str(bundle), "--data", str(data)])
    assert done.exit_code == 2
    assert check_files(bundle) == before
