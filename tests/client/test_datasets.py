import zipfile

import pytest

from wallscan.client.datasets import zip_file
from wallscan.client.errors import InputError
from wallscan.domain.codes import Code


def lay(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"bytes of {name}")
    return folder


def test_a_folder_s_files_are_packed_without_what_is_hidden_or_linked(tmp_path):
    folder = lay(tmp_path / "walls", "cracks/train/1.jpg", "cracks/train/1.xml", ".git/x", "cracks/.DS_Store")
    (folder / "link.jpg").symlink_to(lay(tmp_path, "outside.jpg") / "outside.jpg")
    with zip_file(folder) as packed, zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == ["cracks/train/1.jpg", "cracks/train/1.xml"]
        assert archive.read("cracks/train/1.xml") == b"bytes of cracks/train/1.xml"
    assert not packed.exists()


def test_the_same_files_give_the_same_bytes(tmp_path):
    names = ("b/2.jpg", "a/1.txt")
    one, other = lay(tmp_path / "one", *names), lay(tmp_path / "other", *names[::-1])
    with zip_file(one) as first, zip_file(other) as second:
        assert first.read_bytes() == second.read_bytes()


def test_a_zip_file_is_taken_as_it_is(tmp_path):
    given = tmp_path / "walls.zip"
    given.write_bytes(b"PK")
    with zip_file(given) as packed:
        assert packed == given
    assert given.exists()


def test_a_folder_without_files_is_none(tmp_path):
    with pytest.raises(InputError) as refusal, zip_file(tmp_path):
        pass
    assert refusal.value.code is Code.FOLDER_WITHOUT_PHOTOS
