import errno
import io
import os
import random
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, RevisionNotFoundError

from tests.client.hub import serving_hub
from tests.models.bundles import write_model_folder
from wallscan.client.bundles import bundle
from wallscan.client.errors import FileError, ScratchError, SourceError
from wallscan.client.sources import default_name, model_folder
from wallscan.domain.errors import BundleError

FILES = {"config.json": b"{}", "model.safetensors": b"weights" * 1000, "merges.txt": b"a b"}
PICKLED = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}

# The hub's library reads its address when it is imported: a process of its own for each.
FETCH = """
import sys
from wallscan.client.errors import SourceError
from wallscan.client.sources import model_folder
try:
    with model_folder(sys.argv[1]) as folder:
        print("got", *sorted(path.name for path in folder.iterdir()))
except SourceError as error:
    print(error.code)
"""


def fetched(tmp_path, endpoint: str, repository: str) -> str:
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", FETCH, repository]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_safe_files_come_from_the_hub_and_pickles_stay_there(tmp_path):
    files = {**FILES, "pytorch_model.bin": b"pickle", "handler.py": b"import os"}
    with serving_hub("CIDAS/tiny", files) as (endpoint, handed_out):
        assert fetched(tmp_path, endpoint, "CIDAS/tiny") == "got config.json merges.txt model.safetensors"
    assert sorted(handed_out) == sorted(FILES)


def test_a_second_time_nothing_is_downloaded(tmp_path):
    with serving_hub("CIDAS/tiny", FILES) as (endpoint, handed_out):
        fetched(tmp_path, endpoint, "CIDAS/tiny")
        fetched(tmp_path, endpoint, "CIDAS/tiny")
    assert len(handed_out) == len(FILES)


def test_a_repository_of_pickles_is_refused_before_any_download(tmp_path):
    with serving_hub("CIDAS/old", PICKLED) as (endpoint, handed_out):
        assert fetched(tmp_path, endpoint, "CIDAS/old") == "bundle_file_forbidden"
    assert not handed_out


def test_a_repository_that_is_not_there(tmp_path):
    with serving_hub("CIDAS/tiny", FILES) as (endpoint, _):
        assert fetched(tmp_path, endpoint, "CIDAS/other") == "model_source_unknown"


@pytest.mark.slow  # the hub's library tries for 20 s
def test_a_hub_that_does_not_answer(tmp_path):
    assert fetched(tmp_path, "http://127.0.0.1:9", "CIDAS/tiny") == "hub_unreachable"


def test_a_name_that_is_nothing_at_all():
    with pytest.raises(SourceError, match="model_source_unknown"), model_folder("no/such/thing/here"):
        pass


def zipped(files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bundle_file_is_unpacked_for_as_long_as_needed(tmp_path, pack):
    (tmp_path / "model").write_bytes(pack({f"tiny/{name}": data for name, data in FILES.items()}))
    with model_folder(str(tmp_path / "model")) as folder:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert not folder.exists()


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("names", [("a/config.json", "b/config.json"), (".hidden",), ("..",), ("a b.json",)])
def test_names_with_no_place_in_a_bundle(tmp_path, pack, names):
    (tmp_path / "model").write_bytes(pack(dict.fromkeys(names, b"x")))
    with pytest.raises(SourceError, match="bundle_file_forbidden"), model_folder(str(tmp_path / "model")):
        pass


def test_a_file_that_is_no_archive(tmp_path):
    (tmp_path / "model").write_bytes(b"not an archive")
    with pytest.raises(SourceError, match="bundle_unloadable"), model_folder(str(tmp_path / "model")):
        pass


@pytest.mark.parametrize(
    ("source", "name"), [("my models.tar.gz", "my-models"), ("..folder..", "folder"), ("###", "model")]
)
def test_a_model_is_named_by_its_file(tmp_path, source, name):
    (tmp_path / source).touch()
    assert default_name(str(tmp_path / source)) == name


def test_a_model_of_the_hub_keeps_its_name():
    assert default_name("CIDAS/clipseg-rd64-refined") == "CIDAS/clipseg-rd64-refined"


@pytest.mark.parametrize("raised", [RevisionNotFoundError, HFValidationError])
def test_what_the_hub_cannot_have_is_not_called_out_of_reach(monkeypatch, raised):
    def refused(*_, **__):
        raise raised.__new__(raised)

    monkeypatch.setattr(HfApi, "list_repo_files", refused)
    with pytest.raises(SourceError, match="model_source_unknown"), model_folder("CIDAS/tiny", "no-such"):
        pass


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_a_damaged_archive_is_told(tmp_path, kind):
    path = tmp_path / f"model.{kind}"
    noise = random.Random(1).randbytes(300_000)
    (tmp_path / "model.safetensors").write_bytes(noise + b"a" * 100_000)
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model.safetensors", b"a" * 100_000)
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w:xz") as archive:
            archive.add(tmp_path / "model.safetensors", "model.safetensors")
    whole = bytearray(path.read_bytes())
    place = 30 + len("model.safetensors") if kind == "zip" else len(whole) // 2
    whole[place : place + 20] = b"\xff" * 20
    path.write_bytes(whole)
    with pytest.raises(SourceError, match="bundle_unloadable"), model_folder(str(path)):
        pass


def raising(number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_not_blamed_on_the_archive(tmp_path, monkeypatch, pack, number):
    (tmp_path / "model").write_bytes(pack(FILES))
    monkeypatch.setattr("wallscan.client.sources._copy_all", raising(number))
    with pytest.raises(ScratchError, match="temporary folder"), model_folder(str(tmp_path / "model")):
        pass


def test_a_full_disk_is_not_blamed_on_the_hub(monkeypatch):
    monkeypatch.setattr(HfApi, "list_repo_files", lambda *_, **__: ["model.safetensors"])
    monkeypatch.setattr(huggingface_hub, "snapshot_download", raising(errno.ENOSPC))
    with pytest.raises(ScratchError, match=r"HF_HOME\) cannot be written"), model_folder("CIDAS/tiny"):
        pass


def test_an_archive_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    (tmp_path / "model").write_bytes(zipped(FILES))
    monkeypatch.setattr(Path, "open", raising(errno.EACCES))
    with (
        pytest.raises(FileError, match="model cannot be read: Permission denied"),
        bundle(str(tmp_path / "model"), None, None),
    ):
        pass


@pytest.mark.parametrize(
    ("number", "error"), [(errno.EACCES, FileError), (errno.EIO, FileError), (errno.ENOSPC, ScratchError)]
)
def test_a_folder_that_cannot_be_copied_is_told(tmp_path, monkeypatch, number, error):
    write_model_folder(tmp_path / "model")
    monkeypatch.setattr("shutil.copyfile", raising(number))
    with pytest.raises(error, match="cannot be"), bundle(str(tmp_path / "model"), None, None):
        pass


def test_a_source_that_may_not_be_looked_at_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "exists", raising(errno.EACCES))
    with pytest.raises(FileError, match="cannot be read"), bundle(str(tmp_path), None, None):
        pass


def test_a_name_that_no_model_may_have_is_told(tmp_path):
    write_model_folder(tmp_path / "model")
    with (
        pytest.raises(BundleError, match="bundle_manifest_invalid"),
        bundle(str(tmp_path / "model"), "mill lane", None),
    ):
        pass
