"""Activating, rolling back and choosing a benchmark from the command line, against the real API."""

import io
import threading
import time
import uuid

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.models.bundles import write_model_folder
from tests.records.given import given_model
from wallscan.client.gate import activate
from wallscan.client.main import app
from wallscan.client.screen import Screen
from wallscan.domain.lifecycle import DatasetState
from wallscan.records import comparisons
from wallscan.records.session import transaction
from wallscan.records.training_tables import Dataset
from wallscan.wire.models import ActivationOrder, Check, Measured


def check(name, *, passed, more_is_better=True):
    return Check(
        name=name, more_is_better=more_is_better, model=0.412, active=0.5, difference=-0.088, low=-0.12,
        high=-0.05, margin=0.03, passed=passed,
    )  # fmt: skip


@pytest.fixture
def run(api_url, key, monkeypatch):
    """Run `wallscan models …`: its exit code and all that it printed."""
    monkeypatch.setenv("WALLSCAN_URL", api_url)
    monkeypatch.setenv("WALLSCAN_API_KEY", key)

    def invoke(*args):
        result = CliRunner().invoke(app, ["models", *map(str, args)])
        return result.exit_code, result.output

    return invoke


@pytest.fixture
def trainer(engine):
    """Carries out the next comparison in the background, with an outcome that was made up."""
    threads = []

    def outcome(refusal):
        def carry_out():
            claim = None
            while claim is None:
                time.sleep(0.05)
                with transaction(engine) as session:
                    for message in comparisons.due(session, 0.0):
                        claim = comparisons.claim(session, message.comparison_id, 60.0)
            checks = [check("crack: foreground IoU", passed=refusal is None)]
            measured = Measured(
                benchmark="north walls", benchmark_sha256="0" * 64, photos=40, groups=20, checks=checks
            )
            with transaction(engine) as session:
                assert comparisons.finish(session, claim, measured, refusal)

        threads.append(threading.Thread(target=carry_out))
        threads[-1].start()

    yield outcome
    for thread in threads:
        thread.join()


@pytest.fixture
def rivals(engine, run):
    """A version that serves, and one that does not."""
    first, second = given_model(engine), given_model(engine)
    assert run("activate", first)[0] == 0
    return first, second


def test_one_that_passes_serves_and_its_numbers_are_shown(run, rivals, trainer):
    trainer(None)
    status, printed = run("activate", rivals[1])
    assert status == 0
    assert "ready, active" in printed
    assert "Ctrl-C does not stop the comparison." in printed
    assert "north walls: 40 photos of 20 source photos" in printed
    assert all(cell in printed for cell in ("crack: foreground IoU", "41.2", "50.0", "-8.8", "-12.0 to -5.0"))


def test_one_that_is_refused_does_not_and_says_so_each_time(run, rivals, trainer):
    trainer("it came out worse")
    status, printed = run("activate", rivals[1])
    assert status == 2
    assert "refused" in printed
    assert "it came out worse [model_gate_refused]" in printed
    again, printed = run("activate", rivals[1])
    assert (again, "north walls" in printed) == (2, True)
    status, printed = run("activate", rivals[1], "--force", "--reason", "we know better")
    assert status == 0
    assert "ready, active" in printed
    shown = run("show", rivals[1])[1]
    assert "forced, by tests: we know better" in shown
    assert "north walls" in shown


def test_one_that_was_refused_is_refused_whatever_else_it_passed_since(run, rivals, engine, trainer):
    """Beside the version that refused it; the latest comparison, with another one, says nothing of that."""
    trainer("it came out worse")
    assert run("activate", rivals[1])[0] == 2
    run("activate", given_model(engine), "--force", "--reason", "test")
    trainer(None)
    assert run("activate", rivals[1])[0] == 0
    run("activate", rivals[0], "--force", "--reason", "test")
    status, printed = run("activate", rivals[1])
    assert status == 2
    assert "it came out worse [model_gate_refused]" in printed


def test_force_needs_a_reason(run, rivals):
    status, printed = run("activate", rivals[1], "--force")
    assert status != 0
    assert "--reason" in printed


@pytest.mark.parametrize("args", [["rollback"], ["activate", "x"], ["activate", "x", "--force"]])
def test_a_reason_that_is_none_is_refused_before_anything_is_asked(run, monkeypatch, args):
    monkeypatch.setenv("WALLSCAN_URL", "http://127.0.0.1:9")
    status, printed = run(*args, "--reason", "")
    assert status == 2
    assert "reason: " in printed
    assert "[request_invalid]" in printed


def test_a_name_that_no_model_may_have_is_told(run, tmp_path):
    write_model_folder(tmp_path / "weights")
    status, printed = run("add", tmp_path / "weights", "--name", "mill lane")
    assert status == 2
    assert "[bundle_manifest_invalid]" in printed


def test_ctrl_c_on_a_private_stack_is_not_said_to_leave_the_comparison_alone(
    rivals, client, monkeypatch, trainer
):
    monkeypatch.delenv("WALLSCAN_URL")
    trainer(None)
    heard = io.StringIO()
    screen = Screen(Console(file=io.StringIO()), Console(file=heard))
    activate(client, screen, client.model(rivals[1]), ActivationOrder())
    assert f"After Ctrl-C it goes on when `wallscan models activate {rivals[1]}` runs." in heard.getvalue()


def test_rolling_back(run, rivals):
    assert run("rollback")[0] == 2
    run("activate", rivals[1], "--force", "--reason", "test")
    status, printed = run("rollback", "--reason", "false alarms")
    assert (status, str(rivals[0]) in printed) == (0, True)
    assert "rollback, by tests: false alarms" in run("show", rivals[0])[1]


def test_the_benchmark_is_shown_and_chosen(run, engine):
    row = Dataset(
        id=uuid.uuid4(), name="north walls", sha256="a" * 64, size_bytes=1, state=DatasetState.STORED
    )
    with transaction(engine) as session:
        session.add(row)
    assert "rendered walls" in run("benchmark")[1]
    assert "north walls" in run("benchmark", "--dataset", row.id)[1]
    assert "north walls" in run("benchmark")[1]
    assert "rendered walls" in run("benchmark", "--rendered")[1]
    assert run("benchmark", "--dataset", uuid.uuid4())[0] == 2
