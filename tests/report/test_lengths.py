import pytest

from tests.report.reports import photo, report, wall
from tests.report.test_html import Page
from wallscan.domain.review import ReviewReason
from wallscan.report import html_report
from wallscan.report.lengths import (
    NOTHING,
    REVIEW_WORDS,
    extent,
    percent,
    photo_notes,
    wall_band,
    wall_extent,
    wall_width,
    width,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        (0.0, "0 %"),
        (1e-9, "< 0.01 %"),
        (0.01, "0.01 %"),
        (9.994, "9.99 %"),
        (9.996, "10.0 %"),
        (99.94, "99.9 %"),
        (99.97, "> 99.9 %"),
        (100.0, "100 %"),
    ],
)
def test_shares_for_people(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("mm", "px", "text"),
    [
        (None, None, NOTHING),
        (None, 0.0, "0 px"),
        (None, 0.4, "< 1 px"),
        (None, 1234.4, "1234 px"),
        (0.3, 9.0, "< 1 mm"),
        (312.4, 9.0, "312 mm"),
        (999.6, 9.0, "1.00 m"),
        (12_345.0, 9.0, "12.35 m"),
    ],
)
def test_lengths_for_people(mm, px, text):
    assert extent(mm, px) == text


@pytest.mark.parametrize(
    ("mm", "px", "text"),
    [
        (None, None, NOTHING),
        (None, 8.6, "9 px"),
        (0.04, 8.6, "< 0.1 mm"),
        (0.34, 8.6, "0.34 mm"),
        (0.996, 8.6, "1.0 mm"),
        (3.26, 8.6, "3.3 mm"),
        (9.96, 8.6, "10 mm"),
        (24.4, 8.6, "24 mm"),
    ],
)
def test_widths_for_people(mm, px, text):
    assert width(mm, px) == text


def lengths(**fields):
    """The first row of a wall of four photos with markings, all of known length."""
    return wall("north", (1.0, 0.0), **({"length_px": 900.0, "photos_with_length": 4} | fields))[0]


def test_a_wall_says_of_how_many_photos_its_length_is():
    assert wall_extent(lengths(length_mm=450.0, photos_with_scale=3)) == "450 mm on 3 of 4 photos"
    assert wall_extent(lengths(length_mm=450.0, photos_with_scale=4)) == "450 mm"
    assert wall_extent(lengths()) == "900 px"
    assert wall_extent(lengths(photos_with_length=3)) == "900 px on 3 of 4 photos"


def test_a_length_that_is_known_on_no_photo_is_not_0():
    assert wall_extent(lengths(length_px=None, photos_with_length=0)) == NOTHING
    assert wall_width(lengths(length_px=None, photos_with_length=0)) == NOTHING


def test_a_wall_with_markings_of_no_width_that_can_be_told_says_so():
    row = lengths()
    assert wall_width(row) == "at the resolution limit"
    assert "at the resolution limit" in Page(html_report(report([row], []))).text
    assert wall_width(lengths(length_px=0.0)) == NOTHING
    assert wall_width(lengths(photos_with_length=2)) == "at the resolution limit on 2 of 4 photos"


def test_a_wall_says_of_how_many_photos_its_greatest_width_and_its_guidance_are():
    wide = {"max_width_px": 12.0, "max_width_mm": 6.0, "max_width_band": 3, "length_mm": 450.0}
    row = lengths(**wide, photos_with_scale=1)
    assert wall_width(row) == "6.0 mm on 1 of 4 photos"
    assert wall_band(row).endswith("no judgement) on 1 of 4 photos")
    page = Page(html_report(report([row], []))).text
    assert wall_width(row) in page
    assert wall_band(row) in page
    whole = lengths(**wide, photos_with_scale=4)
    assert wall_width(whole) == "6.0 mm"
    assert wall_band(whole).endswith("(guidance after BRE Digest 251, no judgement)")
    assert wall_width(lengths(max_width_px=12.0)) == "12 px"
    assert wall_width(lengths(max_width_px=12.0, photos_with_length=3)) == "12 px on 3 of 4 photos"


def test_every_reason_has_words():
    assert set(REVIEW_WORDS) == set(ReviewReason)


def test_a_photo_says_what_was_measured_and_why_to_look_again():
    (row, _) = photo(
        "north/1.jpg",
        length_px=900.0,
        max_width_px=6.0,
        at_resolution_limit=True,
        review_reasons=["near_gate", "blurred"],
    )
    assert photo_notes(row) == (
        "900 px long, up to 6 px wide, at the resolution limit",
        "Look again: a close call whether it is there",
        "Look again: the photo is blurred",
    )


def test_a_photo_tells_its_estimate_with_its_interval():
    (row, _) = photo(
        "north/1.jpg", estimated_coverage_pct=1.204, estimated_low_pct=0.4, estimated_high_pct=3.126
    )
    assert photo_notes(row) == ("expected 1.20 %, 90 % interval 0.40 % to 3.13 %",)
    (faint, _) = photo(
        "north/1.jpg", estimated_coverage_pct=0.002, estimated_low_pct=0.0, estimated_high_pct=12.34
    )
    assert photo_notes(faint) == ("expected < 0.01 %, 90 % interval 0 % to 12.3 %",)
    (plain, _) = photo("north/1.jpg", estimated_coverage_pct=1.204)
    assert photo_notes(plain) == ("expected 1.20 %",)


def test_the_page_shows_lengths_widths_and_guidance():
    walls = wall("north", (1.0, 0.5), cracks=7, length_mm=2500.0, photos_with_scale=4, photos_to_review=2)
    walls[0] = walls[0].model_copy(
        update={"max_width_mm": 3.25, "max_width_band": 2, "cell_coverage_pct": 12.5}
    )
    page = Page(html_report(report(walls, photo("north/1.jpg", shares=(1.0, 0.5), length_px=0.0))))
    for text in ("2.50 m", "3.2 mm", "12.5 %", "2 of 4", "easily filled", "guidance", "BRE Digest 251"):
        assert text in page.text, text


@pytest.mark.parametrize(
    ("basis", "words"),
    [("wall area", "The share of the wall"), ("mixed", "The share of what the photos show")],
)
def test_the_page_says_what_coverage_is_a_share_of(basis, words):
    assert words in Page(html_report(report(wall("north", (1.0, 0.0)), [], basis=basis))).text
