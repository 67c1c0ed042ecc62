import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wallscan.client.errors import OutputError
from wallscan.client.main import app
from wallscan.client.output import Output, make_output, mask_path, overlay_path, refuse_taken
from wallscan.domain.errors import PhotoError
from wallscan.domain.walls import MAX_PATH_CHARS


def test_masks_lie_under_the_photos_own_path():
    assert mask_path("kitchen/1.jpg", "drywall joint") == "masks/kitchen/1.jpg.drywall-joint.png"
    assert overlay_path("kitchen/1.jpg") == "overlays/kitchen/1.jpg.jpg"


def test_names_that_are_too_long_are_cut_and_stay_apart(tmp_path):
    first, second = ("ü" * 120 + end for end in ("a.jpg", "b.jpg"))
    paths = {mask_path(f"w/{name}", "crack") for name in (first, second)}
    assert len(paths) == 2
    for path in paths:
        assert path.endswith(".crack.png")
        Output(tmp_path).write(path, b"x")


def test_writing_replaces_and_leaves_no_scraps(tmp_path):
    output = Output(tmp_path)
    output.write("masks/a/1.png", b"old")
    assert output.write("masks/a/1.png", b"new") == tmp_path / "masks/a/1.png"
    assert (tmp_path / "masks/a/1.png").read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "masks/a").iterdir()] == ["1.png"]


@pytest.mark.parametrize(
    "path", ["../x.png", "masks/../../x.png", "/etc/x.png", "a\\..\\..\\x.png", "C:/x.png"]
)
def test_no_path_of_the_server_leads_outside(tmp_path, path):
    with pytest.raises(PhotoError, match="path_invalid"):
        Output(tmp_path / "out").write(path, b"x")
    assert not list(tmp_path.iterdir())


def test_a_default_folder_is_a_new_one_each_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = (make_output(None, overwrite=False).folder for _ in range(2))
    assert first != second
    assert first.name.startswith("wallscan-report-2")
    assert second.name == f"{first.name}-2"


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "thesis.doc").touch()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="output_taken"):
            refuse_taken(tmp_path, overwrite=overwrite)
    with pytest.raises(OutputError, match="is a file"):
        refuse_taken(tmp_path / "thesis.doc", overwrite=True)


def test_overwrite_removes_the_earlier_report_alone(tmp_path):
    for name in ("report.json", "report.csv", "walls.csv", "report.html", "masks/a/1.png", "notes.txt"):
        Output(tmp_path).write(name, b"x")
    with pytest.raises(OutputError, match="--overwrite"):
        make_output(tmp_path, overwrite=False)
    make_output(tmp_path, overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {".wallscan-report", "notes.txt"}


def test_an_empty_or_a_new_folder_is_fine(tmp_path):
    make_output(tmp_path, overwrite=False)
    assert make_output(tmp_path / "a/b", overwrite=False).folder.is_dir()


def test_a_report_that_was_cut_off_can_be_replaced(tmp_path):
    make_output(tmp_path / "out", overwrite=False).write("masks/a/1.png", b"x")
    with pytest.raises(OutputError, match="--overwrite"):
        make_output(tmp_path / "out", overwrite=False)
    make_output(tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out/masks").exists()


def test_what_another_program_calls_a_report_is_not_replaced(tmp_path):
    for name in ("report.json", "masks/1.png"):
        Output(tmp_path).write(name, b"somebody's work")
    with pytest.raises(OutputError, match="holds no report"):
        make_output(tmp_path, overwrite=True)
    assert (tmp_path / "masks/1.png").exists()


def test_the_longest_path_of_a_photo_has_a_mask(tmp_path):
    photos = ["/".join(["d" * 92] * 11) + f"/{number}" for number in (1, 2)]
    assert all(len(photo) == MAX_PATH_CHARS for photo in photos)
    paths = {mask_path(photo, "crack") for photo in photos}
    assert len(paths) == 2
    for path in paths:
        assert path.startswith("masks/~")
        assert path.endswith(".crack.png")
        Output(tmp_path).write(path, b"x")


def test_a_full_disk_is_told_and_leaves_no_scraps(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(OutputError, match=r"report\.json cannot be written: No space left"):
        Output(tmp_path).write("report.json", b"x")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="output_unwritable"):
        make_output(tmp_path / "file/out", overwrite=False)


@pytest.mark.parametrize("out", ["shelf/new/out", None])
def test_where_nothing_can_be_written_the_command_ends_before_it_begins(tmp_path, monkeypatch, out):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/1.jpg").write_bytes(b"x")
    (tmp_path / "shelf").mkdir()
    closed = tmp_path / "shelf" if out else tmp_path
    look = os.access

    def access(path, mode, **rest):
        return look(path, mode, **rest) and not (Path(path) == closed and mode & os.W_OK)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WALLSCAN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WALLSCAN_API_KEY", "key")
    told = CliRunner().invoke(app, ["inspect", "photos", *(["--out", out] if out else [])])
    assert told.exit_code == 2
    assert f"{closed} takes no new files [output_unwritable]" in told.output


def test_an_earlier_report_in_a_closed_folder_is_not_replaced(tmp_path, monkeypatch):
    make_output(tmp_path, overwrite=False)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="output_unwritable"):
        refuse_taken(tmp_path, overwrite=True)
