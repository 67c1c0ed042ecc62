import pytest
from typer.testing import CliRunner

from wallscan.client.exits import USAGE
from wallscan.client.main import app


@pytest.mark.parametrize("name", ["marker.png", "marker.pdf"])
def test_a_marker_is_written_once(tmp_path, name):
    out = tmp_path / name
    asked = ["marker", "--side-mm", "50", "--out", str(out)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    first = out.read_bytes()
    assert CliRunner().invoke(app, asked).exit_code == USAGE
    assert out.read_bytes() == first
    assert CliRunner().invoke(app, [*asked, "--overwrite", "--number", "3"]).exit_code == 0
    assert out.read_bytes() != first


@pytest.mark.parametrize("wrong", [["--side-mm", "1"], ["--out", "marker.svg"], ["--number", "50"]])
def test_what_cannot_be_printed_is_refused(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["marker", *wrong]).exit_code == USAGE
    assert not list(tmp_path.iterdir())


def test_two_scales_are_refused_before_anything_is_looked_at(tmp_path):
    both = ["inspect", str(tmp_path), "--mm-per-px", "0.5", "--marker-mm", "100"]
    refused = CliRunner().invoke(app, both)
    assert refused.exit_code == USAGE  # as a folder without photos has it
    assert "give --mm-per-px or --marker-mm, not both" in refused.output
