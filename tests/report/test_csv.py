import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.reports import FORMULA, every_case, photo, report, wall
from wallscan.report import photos_csv, walls_csv
from wallscan.wire.report import PhotoRow, WallRow

NO_SURROGATES = st.text(st.characters(exclude_categories=["Cs"]))


def read(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def typed(kind, row):
    """A CSV row as its model: empty cells are null."""
    return kind.model_validate({name: value or None for name, value in row.items()})


def test_photo_rows_survive_the_round_trip():
    rows = read(photos_csv(every_case()))
    assert list(rows[0]) == list(PhotoRow.model_fields)
    for row in rows:
        if row["photo"].startswith(f"'{FORMULA}"):
            row["photo"] = row["photo"][1:]
    assert [typed(PhotoRow, row) for row in rows] == every_case().photos


def test_wall_rows_survive_the_round_trip():
    rows = read(walls_csv(every_case()))
    assert [typed(WallRow, row) for row in rows] == every_case().walls


def test_a_wall_without_a_counted_photo_has_no_coverage():
    (row, _) = read(walls_csv(report(wall("north", (0.0, 0.0), photos=2, counted=0), [])))
    assert row["coverage_pct"] == ""
    assert row["foreground_px"] == "0"


def test_a_report_without_photos_has_the_header_alone():
    assert read(photos_csv(report([], []))) == []
    assert photos_csv(report([], [])).decode("utf-8-sig").strip().split(",") == list(PhotoRow.model_fields)


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_no_text_begins_a_formula(start):
    (row, _) = read(photos_csv(report([], photo("a.jpg", wall=f"{start}1+1", detail=f"{start}x"))))
    assert row["wall"] == f"'{start}1+1"
    assert row["detail"] == f"'{start}x"


@given(NO_SURROGATES)
def test_any_name_comes_back(name):
    (row, _) = read(photos_csv(report([], photo("a.jpg", detail=name))))
    assert row["detail"].removeprefix("'") == name.removeprefix("'")


def test_the_file_says_that_it_is_utf_8():
    assert photos_csv(every_case()).startswith("\N{BYTE ORDER MARK}".encode())
    assert b"\r\n" in walls_csv(every_case())
