import datetime as dt
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.report.reports import HOSTILE, every_case, name_id, photo, report, wall
from wallscan.report import html_report
from wallscan.report.html import duration, moment
from wallscan.report.lengths import NOTHING
from wallscan.report.view import WORST_PHOTOS, url, view

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails where tags do not nest."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data

    def values(self, name: str) -> list[str]:
        return [value or "" for _, found, value in self.attributes if found == name]


@pytest.fixture(scope="module")
def page():
    pictures = {name_id("küche 厨房/#1 50%?.jpg"): 'overlays/küche 厨房/#1 50%?" onerror="x.jpg'}
    return Page(html_report(every_case(), pictures))


def test_hostile_names_are_text(page):
    assert "script" not in page.tags
    assert HOSTILE in page.text
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_prompts_that_the_model_was_not_fitted_for_are_named(page):
    report = every_case()
    run = report.run.model_copy(update={"unfamiliar_prompts": [HOSTILE]})
    told = f"No gate or threshold was fitted for {HOSTILE}: what is marked, or is not"
    assert told in Page(html_report(report.model_copy(update={"run": run}), {})).text
    assert "No gate" not in page.text


def test_unicode_names_are_shown(page):
    assert "küche 厨房" in page.text
    assert "Elm Street 12" in page.text


def test_nothing_comes_from_the_network(page):
    links = page.values("src") + page.values("href")
    assert links
    assert not [link for link in links if ":" in link or link.startswith("//")]
    assert "link" not in page.tags
    assert any("default-src 'none'" in value for value in page.values("content"))


def test_links_are_encoded_so_that_they_find_their_file(page):
    (picture,) = page.values("src")
    assert picture == "overlays/k%C3%BCche%20%E5%8E%A8%E6%88%BF/%231%2050%25%3F%22%20onerror%3D%22x.jpg"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (None, None),
        ("data:image/jpeg;base64,AAAA", "data:image/jpeg;base64,AAAA"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("data:text/html,x", "data%3Atext/html%2Cx"),
    ],
)
def test_only_images_may_be_data(path, expected):
    assert url(path) == expected


def test_every_wall_and_prompt_has_its_coverage(page):
    for text in ("2.50 %", "< 0.01 %", "0 %", "41.2 %", "1 of 1", "0 of 1"):
        assert text in page.text


def test_every_photo_that_does_not_count_is_listed_with_its_reason(page):
    for photo_row in every_case().photos:
        if photo_row.status not in ("succeeded", "duplicate"):
            assert photo_row.photo in page.text
            for reason in (photo_row.code, photo_row.detail):
                assert reason is None or reason in page.text
    shown = view(every_case(), {})
    assert [row.first.status for row in shown.uncounted] == [
        *("failed", "rejected", "not_uploaded", "cancelled", "queued", "running", "not_in_run")
    ]
    assert [row.first.duplicate_of for row in shown.duplicates] == [f"{HOSTILE}/1.jpg"]
    assert (shown.photos, shown.photos_counted) == (10, 5)


def test_a_copy_of_a_photo_without_a_result_was_not_analysed():
    nothing: dict[str, Any] = {"coverage_pct": None, "code": "photo_corrupt", "detail": "cut off"}
    rows = [
        *photo("north/1.jpg", "failed", code="photo_corrupt"),
        *photo("south/2.jpg", "duplicate", duplicate_of="north/1.jpg", **nothing),
    ]
    handed_in = report([*wall("north", (0.0, 0.0), 1, 0), *wall("south", (0.0, 0.0), 1, 0)], rows)
    shown = view(handed_in, {})
    assert [row.first.photo for row in shown.uncounted] == ["north/1.jpg", "south/2.jpg"]
    assert shown.duplicates == ()
    assert "the same file as another without a result: cut off" in Page(html_report(handed_in)).text


def test_what_made_the_numbers_is_on_the_page(page):
    assert "adaptive, mirrored views averaged in" in page.text
    for text in ("starter", "5f" * 32, "crack, drywall joint", "founding", "gaussian", "2 min 5 s"):
        assert text in page.text
    assert "share of the photographed area" in page.text
    assert "not the width or length of a crack" in page.text


def test_the_worst_photos_come_first_and_the_rest_by_wall():
    rows = [row for n in range(20) for row in photo(f"north/{n:02}.jpg", shares=(n / 10, 0.0))]
    pictures = {row.photo_id: f"overlays/{row.photo}" for row in rows}
    shown = view(report(wall("north", (1.0, 0.0)), rows), pictures)
    assert [row.first.photo for row in shown.worst] == [f"north/{n:02}.jpg" for n in range(19, 7, -1)]
    assert len(shown.worst) == WORST_PHOTOS
    assert [row.first.photo for row in shown.walls[0].more] == [f"north/{n:02}.jpg" for n in range(7, 0, -1)]
    assert all(row.picture for row in shown.worst)


def test_bars_are_as_long_as_their_coverage():
    shown = view(report([*wall("a", (2.0, 0.5)), *wall("b", (0.0, 1.0))], []), {})
    assert [[line.bar_pct for line in wall_view.rows] for wall_view in shown.walls] == [[100, 25], [0, 50]]


def with_a_wall_prompt():
    """Twelve photos of bare wall and one with a crack that shows less wall; a copy of each kind."""
    bare = [row for n in range(12) for row in photo(f"north/{n:02}.jpg", shares=(0.0, 99.0))]
    cracked = photo("north/x.jpg", shares=(8.0, 60.0))
    copy = photo("north/y.jpg", "duplicate", (0.0, 99.0), duplicate_of="north/00.jpg")
    handed_in = report(wall("north", (0.6, 96.0)), [*bare, *cracked, *copy])
    prompts = {"crack": "crack", "drywall joint": "The Wall"}
    for wall_row in handed_in.walls:
        wall_row.prompt = prompts[wall_row.prompt]
    for photo_row in handed_in.photos:
        photo_row.prompt = prompts[photo_row.prompt]
    handed_in.run.prompts = list(prompts.values())
    return handed_in


def test_photos_and_bars_go_by_what_was_sought_and_not_by_the_wall_itself():
    shown = view(with_a_wall_prompt(), {})
    assert [photo_view.first.photo for photo_view in shown.worst] == ["north/x.jpg"]
    assert [line.bar_pct for line in shown.walls[0].rows] == [100, 0]
    assert shown.longest_bar_pct == 0.6
    assert [photo_view.first.photo for photo_view in shown.duplicates] == ["north/y.jpg"]
    assert shown.uncounted == ()


def test_where_the_wall_alone_was_sought_photos_go_by_it():
    handed_in = with_a_wall_prompt()
    handed_in.photos = [row for row in handed_in.photos if row.prompt == "The Wall"]
    handed_in.walls = handed_in.walls[1:]
    handed_in.run.prompts = ["The Wall"]
    shown = view(handed_in, {})
    assert [photo_view.worst_pct for photo_view in shown.worst] == [99] * 12
    assert [line.bar_pct for line in shown.walls[0].rows] == [100]


def test_an_unfinished_run_is_said_to_be_unfinished():
    unfinished = every_case()
    unfinished.run = unfinished.run.model_copy(update={"state": "cancelled", "ended_at": None})
    assert "This run is cancelled" in Page(html_report(unfinished)).text
    assert "This run is" not in Page(html_report(every_case())).text


def test_a_report_of_nothing_is_a_page_too():
    assert "No photo belongs to a wall." in Page(html_report(report([], []))).text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (0.4, "0 s"), (59.6, "1 min"), (3600, "1 h"), (3725, "1 h 2 min 5 s")]
)
def test_durations_for_people(seconds, text):
    assert duration(dt.timedelta(seconds=seconds)) == text


def test_times_are_in_utc():
    eastern = dt.timezone(dt.timedelta(hours=-5))
    assert moment(dt.datetime(2026, 3, 4, 20, 5, tzinfo=eastern)) == "5 March 2026, 01:05 UTC"
    assert moment(None) == duration(None) == NOTHING
