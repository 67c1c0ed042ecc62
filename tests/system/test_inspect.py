"""`wallscan inspect` against a running system: odd folders, bad files, wrong use."""

import os
import unicodedata
from pathlib import Path

import pytest

from tests.photos.corpus import bad_photos, odd_photos
from tests.photos.pictures import encode, wall
from tests.system.cli import Shell, by_photo, read_csv, read_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PHOTO = encode(wall(640, 480))


def lay(root: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def test_bad_photos_get_their_codes_and_the_others_go_on(shell, tmp_path):
    bad = {
        f"bad {number}/{name}": (data, code)
        for number, (name, data, code) in enumerate(bad_photos().values())
    }
    odd = {f"odd {number}/{name}": data for number, (name, data) in enumerate(odd_photos().values())}
    lay(tmp_path / "photos", {path: data for path, (data, _) in bad.items()} | odd)
    printed = shell.run("inspect", "photos", "--site", "hostile", "--out", "out", status=3)
    rows = by_photo(read_report(tmp_path / "out"))
    assert {path: rows[path].code for path in bad} == {path: str(code) for path, (_, code) in bad.items()}
    assert {path: rows[path].code for path in odd} == dict.fromkeys(odd)
    for path, (_, code) in bad.items():
        assert rows[path].detail
        assert path in printed
        assert code in printed
    masks = {row["photo"] for row in read_csv(tmp_path / "out/report.csv") if row["mask"]}
    assert masks == set(odd)


def test_names_of_any_script_and_the_same_name_in_different_folders(shell, tmp_path):
    names = [
        "wall a/1.jpg",
        "wall b/1.jpg",
        "kök/bild ö.jpg",
        "壁/写真 №1.jpg",
        "a'b\"c/[red]x[/].jpg",
        "1.jpg",
        "🧱/🙂.jpg",
    ]
    lay(tmp_path / "photos", {name: encode(wall(seed=number)) for number, name in enumerate(names)})
    told = shell.run("inspect", "photos", "--prompt", "Fissure n°1", "--out", "out")
    assert 'No gate or threshold was fitted for "Fissure n°1"' in told
    report = read_report(tmp_path / "out")
    assert {row.photo for row in report.photos} == {unicodedata.normalize("NFC", name) for name in names}
    assert {row.wall for row in report.walls} == {"wall a", "wall b", "kök", "壁", "a'b\"c", "🧱", "unsorted"}
    for row in report.photos:
        assert (tmp_path / f"out/masks/{row.photo}.fissure-n-1.png").is_file()


def test_the_same_photo_twice_is_counted_once(shell, tmp_path):
    lay(
        tmp_path / "photos",
        {"w/1.jpg": PHOTO, "w/copy of 1.jpg": PHOTO, "v/1.jpg": PHOTO, "w/2.jpg": encode(wall(seed=9))},
    )
    shell.run("inspect", "photos", "--prompt", "crack", "--out", "out")
    report = read_report(tmp_path / "out")
    counted = {row.wall: (row.photos, row.photos_counted, row.photos_duplicate) for row in report.walls}
    assert counted == {"w": (3, 2, 1), "v": (1, 1, 0)}
    assert len(list(tmp_path.glob("out/masks/*/*.png"))) == 4


def test_an_inspection_goes_on_with_more_photos(shell, tmp_path):
    lay(tmp_path / "photos", {"w/1.jpg": PHOTO})
    common = ("--site", "growing", "--inspection", "May", "--prompt", "crack")
    shell.run("inspect", "photos", *common, "--out", "first")
    lay(tmp_path / "photos", {"w/2.jpg": encode(wall(seed=1))})
    printed = shell.run("inspect", "photos", *common, "--out", "second")
    assert "2 photos are stored" in printed
    first, second = (read_report(tmp_path / name) for name in ("first", "second"))
    assert first.inspection_id == second.inspection_id
    assert len(second.photos) == 2


def test_where_no_photo_can_be_analysed_the_list_says_why(shell, tmp_path):
    lay(tmp_path / "photos", {"w/1.jpg": b"", "w/2.jpg": b""})
    printed = shell.run("inspect", "photos", "--out", "out", status=3)
    assert printed.count("photo_empty") == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["nowhere"], "does not exist"),
        (["empty"], "folder_without_photos"),
        (["photos", "--prompt", ""], "prompt_empty"),
        (["photos", "--prompt", "x" * 10_000], "prompt_too_long"),
        (["photos", "--prompt", "crack", "--prompt", "Crack"], "prompts_duplicate"),
        (["photos", "--model", "nobody/knows"], "model_unknown"),
        (["photos", "--out", "taken"], "output_taken"),
        (["photos", "--nonsense"], "No such option"),
    ],
)
def test_wrong_use_is_told(shell, tmp_path, args, code):
    lay(tmp_path, {"photos/w/1.jpg": PHOTO, "empty/notes.txt": b"hi", "taken/thesis.doc": b"years of work"})
    assert code in " ".join(shell.run("inspect", *args, status=2).split())


def test_a_wrong_key_and_a_missing_one(shell, tmp_path):
    lay(tmp_path / "photos", {"w/1.jpg": PHOTO})
    assert "key_invalid" in shell.run("inspect", "photos", status=2, WALLSCAN_API_KEY="wrong")
    assert "key_invalid" in shell.run("inspect", "photos", status=2, WALLSCAN_API_KEY="")


def test_a_server_that_is_not_there(shell, tmp_path):
    lay(tmp_path / "photos", {"w/1.jpg": PHOTO})
    assert "api_unreachable" in shell.run("inspect", "photos", status=1, WALLSCAN_URL="http://127.0.0.1:9")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_listed(shell: Shell, tmp_path):
    lay(tmp_path / "photos", {"w/1.jpg": PHOTO, "w/2.jpg": b"x"})
    (tmp_path / "photos/w/2.jpg").chmod(0)
    assert "file_unreadable" in shell.run("inspect", "photos", "--out", "out", status=3)
