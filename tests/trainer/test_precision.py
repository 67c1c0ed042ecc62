"""What a faster precision costs, and who may use it."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.segment.tiny import write_tiny
from trainer.__main__ import app
from trainer.commands import precision as command
from trainer.data import SplitBy, digest_of, parts, read_samples
from trainer.precision import precision_check
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.files import check_files
from wallscan.models.manifest import Manifest, bundle_digest
from wallscan.segment import openvino_graphs
from wallscan.segment.engine import EngineSettings, Runtime


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


def checked(bundle, samples, wide):
    manifest = check_files(bundle)
    return precision_check(Answers(manifest, wide), Answers(manifest, 200), samples)


def test_the_same_masks_cost_nothing_and_are_admitted(bundle, samples):
    check = checked(bundle, samples, 200)
    assert (check.mean_iou_drop, check.coverage_change, check.admitted) == (0.0, 0.0, True)
    assert check.photos == len(samples)


def test_coverage_that_changes_by_over_one_per_cent_is_refused(bundle, samples):
    check = checked(bundle, samples, 190)
    assert check.coverage_change == pytest.approx(-0.05, abs=0.015)
    assert not check.admitted


def test_the_benchmark_is_named_by_its_photos_and_its_truth(samples):
    whole = digest_of(samples)
    assert digest_of(samples[::-1]) == whole
    assert digest_of(samples[1:]) != whole
    other_truth = replace(samples[0], shapes={"crack": ()})
    assert digest_of([other_truth, *samples[1:]]) != whole


def test_photos_that_show_nothing_are_no_benchmark(bundle):
    with pytest.raises(TrainingError) as caught:
        checked(bundle, [], 200)
    assert caught.value.code is Code.BENCHMARK_UNUSABLE


@pytest.fixture
def answering(bundle, monkeypatch):
    """A processor that gains by bf16, where a bundle marks `wide` cells in bf16 and 200 in float32."""
    monkeypatch.setattr(command, "has_bf16", lambda: True)
    monkeypatch.setattr(openvino_graphs, "bf16_pays", lambda: True)

    def set_wide(wide):
        cells = {"bf16": wide, "f32": 200}
        manifest = check_files(bundle)
        monkeypatch.setattr(command, "open_openvino", lambda *asked: Answers(manifest, cells[asked[2]]))

    return set_wide


@pytest.mark.parametrize(("wide", "precision"), [(200, "bf16"), (190, "f32")])
def test_the_command_decides_what_fast_is(bundle, data, tmp_path, answering, wide, precision):
    def chosen(wish):
        return openvino_graphs._precision(check_files(bundle), EngineSettings(tmp_path, "openvino", wish))

    before = bundle_digest(check_files(bundle))
    assert chosen("fast") == "f32"
    answering(wide)
    done = CliRunner().invoke(app, ["precision", "--model", str(bundle), "--data", str(data)])
    assert done.exit_code == 0, done.output
    after = bundle_digest(check_files(bundle))
    assert after != before
    assert after in done.output
    assert (chosen("fast"), chosen("exact")) == (precision, "f32")


def test_the_command_says_where_nothing_can_be_measured(bundle, data, monkeypatch):
    monkeypatch.setattr(command, "has_bf16", lambda: False)
    before = check_files(bundle)
    done = CliRunner().invoke(app, ["precision", "--model", str(bundle), "--data", str(data)])
    assert done.exit_code == 2
    assert check_files(bundle) == before
