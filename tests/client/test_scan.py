import os
from pathlib import Path

import pytest

from tests.photos.pictures import encode, wall
from wallscan.client.output import Output, make_output
from wallscan.client.scan import scan


def make(root: Path, **files: bytes) -> None:
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def paths(root: Path) -> list[str]:
    return [found.path for found in scan(root).found]


def test_photos_are_found_at_every_depth_in_order(tmp_path):
    make(tmp_path, **{"b/2.jpg": b"x", "b/10.JPG": b"x", "a/deep/er/1.heic": b"x", "loose.png": b"x"})
    assert paths(tmp_path) == ["a/deep/er/1.heic", "b/10.JPG", "b/2.jpg", "loose.png"]


def test_a_name_or_the_content_makes_a_photo(tmp_path):
    make(
        tmp_path,
        **{"text.jpg": b"hello", "empty.jpg": b"", "named.dat": encode(wall()), "bare": encode(wall())},
    )
    assert paths(tmp_path) == ["bare", "empty.jpg", "named.dat", "text.jpg"]


def test_other_files_are_listed_with_a_reason(tmp_path):
    make(
        tmp_path,
        **{"1.jpg": b"x", "plan.PDF": b"%PDF", "a/notes.txt": b"hi", "b/more.txt": b"", "README": b"hi"},
    )
    folder = scan(tmp_path)
    assert folder.ignored == {
        "plan.PDF": ".pdf file",
        "a/notes.txt": ".txt file",
        "b/more.txt": ".txt file",
        "README": "file without an extension",
    }
    assert folder.ignored_kinds()[".txt file"] == 2


def test_clutter_is_counted(tmp_path):
    clutter = [".DS_Store", "a/Thumbs.db", "a/._1.jpg", "__MACOSX/1.jpg", ".git/2.jpg"]
    make(tmp_path, **{"a/1.jpg": b"x"}, **dict.fromkeys(clutter, b"x"))
    folder = scan(tmp_path)
    assert [found.path for found in folder.found] == ["a/1.jpg"]
    assert folder.clutter == 5
    assert not folder.ignored


def test_links_are_followed_to_files_inside_only(tmp_path):
    make(tmp_path, **{"in/a/1.jpg": b"x", "out/secret.jpg": b"x"})
    (tmp_path / "in/a/again.jpg").symlink_to("1.jpg")
    (tmp_path / "in/a/leak.jpg").symlink_to(tmp_path / "out/secret.jpg")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    folder = scan(tmp_path / "in")
    assert [found.path for found in folder.found] == ["a/1.jpg", "a/again.jpg"]
    assert folder.ignored == {
        "a/leak.jpg": "link that leads outside",
        "folder": "link to a folder",
        "loop": "link to a folder",
    }


def test_the_folder_itself_may_be_a_link(tmp_path):
    make(tmp_path, **{"real/a/1.jpg": b"x"})
    (tmp_path / "link").symlink_to("real")
    assert paths(tmp_path / "link") == ["a/1.jpg"]


def test_a_dangling_link_is_handed_in_to_be_refused(tmp_path):
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    assert paths(tmp_path) == ["gone.jpg"]


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert scan(tmp_path).ignored == {"pipe.jpg": "no regular file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_told(tmp_path):
    make(tmp_path, **{"a/1.jpg": b"x", "b/2.jpg": b"x"})
    (tmp_path / "b").chmod(0)
    folder = scan(tmp_path)
    (tmp_path / "b").chmod(0o700)
    assert folder.unreadable == ["b"]


def test_links_in_a_circle_are_handed_in_to_be_refused(tmp_path):
    (tmp_path / "1.jpg").symlink_to("2.jpg")
    (tmp_path / "2.jpg").symlink_to("1.jpg")
    assert paths(tmp_path) == ["1.jpg", "2.jpg"]


def test_a_file_that_cannot_be_looked_at_is_handed_in_to_be_refused(tmp_path):
    parts, name = ["d" * 250] * 16, "f" * 200
    at = os.open(tmp_path, os.O_RDONLY)
    for part in parts:  # step by step: as a whole the path is over what the system takes
        os.mkdir(part, dir_fd=at)
        at, before = os.open(part, os.O_RDONLY, dir_fd=at), at
        os.close(before)
    for ending in (".jpg", ".txt"):
        os.close(os.open(name + ending, os.O_CREAT, dir_fd=at))
    os.close(at)
    folder = scan(tmp_path)
    assert [found.path for found in folder.found] == ["/".join([*parts, f"{name}.jpg"])]
    assert list(folder.ignored.values()) == [".txt file"]


def test_an_earlier_report_among_the_photos_is_none_of_them(tmp_path):
    make(tmp_path, **{"a/1.jpg": b"x", "a/report.json": b"a drone's"})
    whole, cut_off = (make_output(tmp_path / name, overwrite=False) for name in ("whole", "a/cut off"))
    for output in (whole, cut_off):
        output.write("masks/a/1.jpg.crack.png", b"x")
    whole.write("report.json", b"{}")
    older = Output(tmp_path / "older")  # before folders were marked
    for name in ("report.json", "report.csv", "walls.csv", "report.html", "masks/a/1.jpg.crack.png"):
        older.write(name, b"x")
    folder = scan(tmp_path)
    assert [found.path for found in folder.found] == ["a/1.jpg"]
    assert {path for path, reason in folder.ignored.items() if reason == "earlier report"} == {
        "whole",
        "a/cut off",
        "older",
    }


def test_masks_beside_their_photos_to_be_corrected_are_no_wall(tmp_path):
    corrected = ["masks/a/1.jpg.drywall-joint.png", "masks/Gr\u00f6\u00dfe/2.jpg.crack.png"]
    photos = [
        "a/1.jpg",
        "Gro\u0308\u00dfe/2.jpg",
        "a/masks/1.jpg.crack.png",
        "masks/a/1.jpg",
        "masks/b/3.jpg.crack.png",
    ]
    make(tmp_path, **dict.fromkeys([*corrected, *photos], b"x"))
    folder = scan(tmp_path)
    assert {found.path for found in folder.found} == set(photos)
    assert folder.ignored == dict.fromkeys(corrected, "mask of a photo")
