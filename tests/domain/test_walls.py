import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError
from wallscan.domain.walls import MAX_PATH_CHARS, MAX_WALL_CHARS, UNSORTED, normal_path, wall_name, wall_of


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("north/1.jpg", "north/1.jpg"),
        ("./north//1.jpg", "north/1.jpg"),
        ("north\\sub\\1.jpg", "north/sub/1.jpg"),
        (unicodedata.normalize("NFD", "Küche/é.jpg"), "Küche/é.jpg"),
        ("a..b/c.jpg", "a..b/c.jpg"),
    ],
)
def test_one_spelling_of_a_path(raw, normal):
    assert normal_path(raw) == normal


@pytest.mark.parametrize(
    "raw",
    ["", ".", "/etc/passwd", "../x.jpg", "a/../../x.jpg", "..\\x.jpg", "C:\\x.jpg", "c:x.jpg", "wall/",
     "a\x00b.jpg", "a\nb.jpg", "x" * (MAX_PATH_CHARS + 1)],
)  # fmt: skip
def test_unusable_paths_are_refused(raw):
    with pytest.raises(PhotoError) as caught:
        normal_path(raw)
    assert caught.value.code is Code.PATH_INVALID


@given(st.text(max_size=60))
def test_a_normal_path_is_a_fixed_point_and_stays_inside(raw):
    try:
        path = normal_path(raw)
    except PhotoError:
        return
    assert normal_path(path) == path
    assert not path.startswith("/")
    assert ".." not in path.split("/")


def test_the_first_folder_is_the_wall():
    assert wall_of("north/close/1.jpg") == "north"
    assert wall_of("1.jpg") == UNSORTED


@pytest.mark.parametrize("raw", ["", "  ", "a\tb", "x" * (MAX_WALL_CHARS + 1)])
def test_unusable_wall_names_are_refused(raw):
    with pytest.raises(PhotoError) as caught:
        wall_name(raw)
    assert caught.value.code is Code.WALL_NAME_INVALID
