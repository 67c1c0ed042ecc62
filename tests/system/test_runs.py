"""Runs that are watched, stopped and survive: the commands around `inspect`, against a running system."""

import signal

import pytest

from tests.local.processes import kill
from tests.photos.pictures import encode, wall
from tests.system.cli import PATIENCE_S, by_photo, id_after, read_report
from tests.system.test_inspect import lay
from wallscan.client.http import Client
from wallscan.domain.lifecycle import RUN_ENDED, RunState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def client(up):
    with Client(up.url, up.key) as made:
        yield made


def photos(tmp_path, count: int):
    """Photos of two walls, large enough that a worker takes a moment for each."""
    files = {
        f"wall {number % 2}/{number}.jpg": encode(wall(3000, 2000, seed=number)) for number in range(count)
    }
    return lay(tmp_path / "photos", files)


def test_upload_start_watch_and_report(shell, tmp_path):
    photos(tmp_path, 3)
    printed = shell.run(
        "upload", "photos", "--site", "steps", "--inspection", "May", "--start", "-p", "crack"
    )
    run, inspection = id_after("Run", printed), id_after("Inspection", printed)
    told = shell.run("status", str(run), "--wait")
    assert "succeeded, 100 %" in told
    assert "3 results of 3 photos: 3 there" in told
    shell.run("report", str(inspection), "--out", "whole")
    assert set(by_photo(read_report(tmp_path / "whole"))) == {"wall 0/0.jpg", "wall 0/2.jpg", "wall 1/1.jpg"}
    shell.run("report", "--site", "steps", "--wall", "wall 1", "--out", "one")
    assert set(by_photo(read_report(tmp_path / "one"))) == {"wall 1/1.jpg"}


def test_a_report_of_nothing_known(shell, tmp_path):
    photos(tmp_path, 1)
    shell.run("upload", "photos", "--site", "known")
    assert "site_unknown" in shell.run("report", "--site", "unknown", status=2)
    assert "wall_unknown" in shell.run("report", "--site", "known", "--wall", "none", status=2)
    assert "run_unknown" in shell.run("report", "--site", "known", status=2)
    shell.run("report", status=2)
    shell.run("status", "0e3a4bb5-5c4d-4b8e-9d8c-2f5b7d5f0a11", status=2)


def test_a_run_is_measured_again_with_another_threshold(shell, tmp_path, client):
    photos(tmp_path, 2)
    inspected = shell.run(
        "inspect", "photos", "--site", "again", "--out", "first", "--pipeline", "founding", "--flip"
    )
    first = read_report(tmp_path / "first").run
    assert first.postprocess["name"] == "founding", inspected
    told = shell.run("rerun", str(first.run_id), "--parameter", "level=0.3")
    again = client.run(id_after("Run", told))
    assert (again.from_run_id, again.prompts, again.look) == (first.run_id, first.prompts, first.look)
    assert again.look.flip
    assert (again.postprocess["name"], again.postprocess["level"]) == ("standard", 0.3)
    shell.run("report", str(again.inspection_id), "--out", "second")
    assert read_report(tmp_path / "second").run.run_id == again.id
    assert "pipeline_unknown" in shell.run("rerun", str(first.run_id), "--pipeline", "fancy", status=2)


def test_ctrl_c_cancels_the_run_and_keeps_what_is_done(shell, tmp_path, client):
    photos(tmp_path, 12)
    process = shell.start("inspect", "photos", "--site", "stopped", "--out", "out")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Inspection: ") and " 0 of" not in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    run = id_after("Run", err)
    assert "kept" in err
    *_, state = client.watch(run)
    assert state.state is RunState.CANCELLED
    assert state.counts.succeeded > 0
    assert state.counts.cancelled > 0
    assert not (tmp_path / "out").exists()


def test_a_worker_killed_in_the_middle_loses_nothing(shell, tmp_path, client, up):
    photos(tmp_path, 12)
    process = shell.start("inspect", "photos", "--site", "killed", "--out", "out", "-p", "crack")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Inspection: ") and " 0 of" not in line:
            break
    kill(up.pid("worker"))
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    report = read_report(tmp_path / "out")
    assert [row.status for row in report.photos] == ["succeeded"] * 12
    assert len({row.photo for row in report.photos}) == 12
    assert client.run(report.run.run_id).state in RUN_ENDED
    assert len(list(tmp_path.glob("out/masks/*/*.png"))) == 12
