import errno
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

from wallscan.client.commands.datasets import _default_name
from wallscan.client.datasets import zip_file
from wallscan.client.errors import FileError, InputError, ScratchError
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


def test_a_name_that_is_no_text_is_told(tmp_path):
    (tmp_path / os.fsdecode(b"Stra\xdfe.jpg")).touch()
    with pytest.raises(InputError, match="no UTF-8 text") as refusal, zip_file(tmp_path):
        pass
    assert refusal.value.code is Code.PATH_INVALID


def test_nothing_that_cannot_be_read_is_left_out_unsaid(tmp_path, monkeypatch):
    folder = lay(tmp_path / "walls", "a/1.jpg", "b/2.jpg")
    look = os.scandir

    def closed(path):
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(FileError, match="walls/b cannot be read: Permission denied"), zip_file(folder):
        pass


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def closed(*_):
        raise PermissionError(13, "Permission denied")

    folder = lay(tmp_path / "walls", "a/1.jpg")
    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(FileError, match=r"1\.jpg cannot be read: Permission denied"), zip_file(folder):
        pass


def test_a_folder_s_name_is_taken_whole(tmp_path):
    assert _default_name(lay(tmp_path / "walls v1.2", "1.jpg")) == "walls v1.2"
    assert _default_name(tmp_path / "walls v1.2.zip") == "walls v1.2"


def test_a_folder_whose_files_may_not_be_looked_at_is_told(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    folder = lay(tmp_path / "walls", "a/1.jpg")
    monkeypatch.setattr(Path, "is_symlink", closed)
    with pytest.raises(FileError, match=r"a/1\.jpg cannot be read: Permission denied"), zip_file(folder):
        pass


@pytest.mark.parametrize(("module", "step"), [(shutil, "copyfileobj"), (tempfile, "TemporaryDirectory")])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_temporary_folder_is_told_as_such(tmp_path, monkeypatch, module, step, number):
    def full(*_, **__):
        raise OSError(number, os.strerror(number))

    folder = lay(tmp_path / "walls", "a/1.jpg")
    monkeypatch.setattr(module, step, full)
    with (
        pytest.raises(ScratchError, match=r"temporary folder \(TMPDIR\) cannot be written"),
        zip_file(folder),
    ):
        pass
