import pytest

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.names import normal_name


@pytest.mark.parametrize(
    ("raw", "name"), [("  Haus   7 ", "Haus 7"), ("Cafe\u0301", "Caf\u00e9"), ("工地", "工地")]
)
def test_one_spelling(raw: str, name: str):
    assert normal_name(raw) == name


@pytest.mark.parametrize("raw", ["", "   ", "a\x00b", "a\u202eb", "x" * 201, "\ud800"])
def test_unusable(raw: str):
    with pytest.raises(WallscanError) as caught:
        normal_name(raw)
    assert caught.value.code is Code.REQUEST_INVALID
