import re
from pathlib import Path

import pytest

from api.problems import status_of
from wallscan.domain.codes import Code

DOCUMENT = Path(__file__).parents[2] / "docs" / "codes.md"
ROW = re.compile(r"^\| `(?P<code>\w+)` \| (?P<status>\d{3}|-) \| (?P<meaning>.+) \|$", re.MULTILINE)
NEVER_OVER_HTTP = frozenset(
    {
        Code.API_UNREACHABLE,
        Code.FILE_CHANGED,
        Code.FILE_UNREADABLE,
        Code.FOLDER_WITHOUT_PHOTOS,
        Code.HUB_UNREACHABLE,
        Code.MASK_CHECKSUM_MISMATCH,
        Code.MODEL_SOURCE_UNKNOWN,
        Code.OUTPUT_TAKEN,
        Code.OUTPUT_UNWRITABLE,
        Code.SERVER_BINARY_MISSING,
        Code.SERVER_START_FAILED,
        Code.STACK_BUSY,
    }
)
"""Told by the command line alone."""


@pytest.fixture(scope="module")
def rows():
    return {match["code"]: match for match in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))}


def test_every_code_is_documented_and_no_other(rows):
    assert sorted(rows) == sorted(code.value for code in Code)


def test_the_documented_status_is_the_one_that_is_answered(rows):
    for code in Code:
        expected = "-" if code in NEVER_OVER_HTTP else str(int(status_of(code)))
        assert rows[code]["status"] == expected, code


@pytest.mark.parametrize("code", list(Code))
def test_codes_by_their_kind(code):
    """A new code gets a thought: unknown things are 404, servers that are down 503."""
    if code.endswith("_unknown") and code not in NEVER_OVER_HTTP:
        assert status_of(code) == 404
    elif code.endswith("_unavailable"):
        assert status_of(code) == 503
