import hashlib
import io
from typing import Any

import pytest
from rich.console import Console

from tests.client.loopback import Answer, serving
from tests.client.reports import photo_row, report
from wallscan.client.download import fetch_masks, fetch_overlays, pictured
from wallscan.client.errors import ApiError
from wallscan.client.http import Client
from wallscan.client.output import Output

MASK = b"a mask"
HASH = hashlib.sha256(MASK).hexdigest()
QUIET = Console(file=io.StringIO())


def test_masks_are_fetched_and_named_in_the_report(tmp_path):
    rows = [photo_row("w/1.jpg", mask_sha256=HASH), photo_row("w/2.jpg", status="failed")]
    with serving(lambda _: Answer(body=MASK)) as url:
        told = fetch_masks(Client(url, "key"), report(rows), Output(tmp_path), QUIET)
    assert [row.mask for row in told.photos] == ["masks/w/1.jpg.crack.png", None]
    assert (tmp_path / "masks/w/1.jpg.crack.png").read_bytes() == MASK


def test_other_bytes_than_the_report_names_are_not_taken(tmp_path):
    rows = [photo_row("w/1.jpg", mask_sha256=HASH)]
    with (
        serving(lambda _: Answer(body=b"other")) as url,
        pytest.raises(ApiError, match="mask_checksum_mismatch"),
    ):
        fetch_masks(Client(url, "key"), report(rows), Output(tmp_path), QUIET)
    assert not list(tmp_path.iterdir())


def test_pictures_are_fetched_once_a_photo(tmp_path):
    asked = []

    def respond(request):
        asked.append(request.path)
        return Answer(body=b"jpeg")

    rows = [photo_row("w/1.jpg", prompt, mask_sha256=HASH) for prompt in ("crack", "drywall joint")]
    with serving(respond) as url:
        found = fetch_overlays(Client(url, "key"), report(rows), Output(tmp_path), QUIET)
    assert found == {rows[0].photo_id: "overlays/w/1.jpg.jpg"}
    (path,) = asked
    assert "prompt=crack&prompt=drywall" in path


def test_many_photos_are_shown_by_their_walls_worst():
    rows = [
        photo_row(f"wall {number % 3}/{number}.jpg", mask_sha256=HASH, coverage_pct=number / 10)
        for number in range(300)
    ]
    shown = [row.photo for row in pictured(report(rows))]
    assert len(shown) == 36
    assert {f"wall {number % 3}/{number}.jpg" for number in range(264, 300)} == set(shown)
    assert len(pictured(report(rows[:200]))) == 200


def test_among_many_photos_of_bare_wall_the_cracked_one_has_its_picture():
    def rows(photo, crack_pct, wall_pct):
        shares = (("crack", crack_pct), ("wall", wall_pct))
        return [photo_row(photo, prompt, mask_sha256=HASH, coverage_pct=share) for prompt, share in shares]

    bare = [row for number in range(260) for row in rows(f"w/{number}.jpg", 0.0, 99.0)]
    told = report([*bare, *rows("w/cracked.jpg", 8.0, 60.0)])
    told.run.prompts = ["crack", "wall"]
    first, *others = pictured(told)
    assert (first.photo, len(others)) == ("w/cracked.jpg", 11)


def test_a_photo_without_a_result_is_not_shown():
    assert pictured(report([photo_row("w/1.jpg", status="failed")])) == []


def test_copies_do_not_take_the_place_of_other_photos_pictures():
    facts: dict[str, Any] = {"mask_sha256": HASH, "coverage_pct": 50.0}
    copies = [photo_row(f"w/a copy {number}.jpg", status="duplicate", **facts) for number in range(300)]
    others = [photo_row(f"w/{number}.jpg", mask_sha256=HASH, coverage_pct=1.0) for number in range(11)]
    shown = pictured(report([*copies, *others, photo_row("w/original.jpg", **facts)]))
    assert {row.photo for row in shown} == {"w/original.jpg", *(row.photo for row in others)}
