"""`python -m trainer compare`."""

import pytest
from typer.testing import CliRunner

from tests.segment.tiny import write_tiny
from tests.trainer.data import write_data
from trainer.__main__ import app
from trainer.commands import compare as command
from wallscan.wire.models import Check, Measured


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("compared") / "bundle")


def compare(bundle, active, data):
    options = ["--model", bundle, "--active", active, "--data", data]
    return CliRunner().invoke(app, ["compare", *map(str, options)])


def measured(benchmark, *, passed):
    checks = [
        Check(
            name="crack: foreground IoU", more_is_better=True, model=0.3, active=0.5, difference=-0.2,
            low=-0.25, high=-0.15, margin=0.03, passed=passed,
        )
    ]  # fmt: skip
    return Measured(
        benchmark=benchmark.name, benchmark_sha256=benchmark.sha256, photos=8, groups=4, checks=checks
    )


@pytest.mark.parametrize(("refusal", "status"), [(None, 0), ("it came out worse", 1)])
def test_it_prints_the_numbers_and_ends_with_the_verdict(bundle, data, monkeypatch, refusal, status):
    seen = []

    def judged(model, active, benchmark):
        seen.append((model.manifest.name, len(benchmark.samples), benchmark.sha256))
        return measured(benchmark, passed=refusal is None), refusal

    monkeypatch.setattr(command, "compared", judged)
    for _ in range(2):
        result = compare(bundle, bundle, data)
        assert result.exit_code == status, result.output
        assert "crack: foreground IoU" in result.output
        assert "-25.0 to -15.0" in result.output
        assert (refusal or "") in result.output
    assert seen[0] == seen[1]
    assert seen[0][:2] == ("tests/tiny", 8)


def test_data_that_says_nothing_and_models_that_are_nowhere_are_refused(bundle, tmp_path):
    few = write_data(tmp_path / "few", count=1, side=48)
    for active, code in ((bundle, "benchmark_unusable"), ("nothing there", "model_source_unknown")):
        result = compare(bundle, active, few)
        assert (result.exit_code, code in result.output) == (2, True), result.output
