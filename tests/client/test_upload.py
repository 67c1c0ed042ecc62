import io
import os
import signal
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.photos.pictures import encode, wall
from tests.records.given import given_model
from wallscan.client import upload
from wallscan.client.exits import SOME_FAILED
from wallscan.client.http import Client
from wallscan.client.main import app
from wallscan.client.meter import meter
from wallscan.client.scan import Found, scan
from wallscan.client.upload import Sent, Uploader, total_bytes
from wallscan.storage import keys


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(upload, "ROUND_PAUSES_S", (0.0, 0.01))


@pytest.fixture
def visit(client):
    return client.open_inspection(client.make_site("site").id).id


@pytest.fixture
def folder(tmp_path):
    for number, path in enumerate(("a/1.jpg", "a/2.jpg", "b/1.jpg", "ü/日本.jpg")):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(encode(wall(seed=number)))
    return tmp_path


def send(client: Client, visit, files: list[Found]) -> Sent:
    with meter(Console(file=io.StringIO()), "Upload", total_bytes(files), "bytes") as progress:
        return Uploader(client, visit, progress).send(files)


def refused(sent: Sent) -> dict[str, str]:
    return {refusal.path: refusal.code for refusal in sent.refusals}


def in_storage(store, visit) -> list[bytes]:
    return sorted(store.get(key) for key in store.list(keys.inspection_photos(visit)))


def test_all_photos_arrive_as_they_are(client, store, visit, folder):
    sent = send(client, visit, scan(folder).found)
    assert (sent.stored, sent.duplicate, sent.refusals) == (4, 0, [])
    assert in_storage(store, visit) == sorted(path.read_bytes() for path in folder.glob("*/*.jpg"))


def test_the_same_bytes_are_sent_once(client, store, visit, folder):
    (folder / "b/again.jpg").write_bytes((folder / "a/1.jpg").read_bytes())
    sent = send(client, visit, scan(folder).found)
    assert (sent.stored, sent.duplicate) == (4, 1)
    assert len(in_storage(store, visit)) == 4


def test_many_manifests_make_one_upload(client, store, visit, folder, monkeypatch):
    monkeypatch.setattr(upload, "MAX_MANIFEST_FILES", 3)
    assert send(client, visit, scan(folder).found).stored == 4


def test_an_interrupted_upload_sends_only_what_is_missing(client, store, visit, folder, monkeypatch):
    files = scan(folder).found
    send(client, visit, files[:3])
    put: list[str] = []
    plain = Uploader._put

    def counted(self, file, target):
        put.append(file.found.path)
        return plain(self, file, target)

    monkeypatch.setattr(Uploader, "_put", counted)
    sent = send(client, visit, files)
    assert put == [files[3].path]
    assert sent.stored == 4


def test_bad_files_are_refused_and_the_others_go_on(client, store, visit, folder):
    (folder / "a/empty.jpg").touch()
    (folder / "a/gone.jpg").symlink_to("nowhere.jpg")
    (folder / "a/line\nbreak.jpg").write_bytes(b"x")
    sent = send(client, visit, scan(folder).found)
    assert sent.stored == 4
    assert refused(sent) == {
        "a/empty.jpg": "photo_empty",
        "a/gone.jpg": "file_unreadable",
        "a/line\nbreak.jpg": "path_invalid",
    }


def test_a_name_that_is_no_text_is_refused(client, store, visit, folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/a/\xff.jpg")).write_bytes(b"x")
    sent = send(client, visit, scan(folder).found)
    assert sent.stored == 4
    assert list(refused(sent).values()) == ["path_invalid"]


@pytest.mark.parametrize(
    "change", [lambda data: data + b"more", lambda data: data[:-5], lambda data: data[::-1]]
)
def test_a_file_that_changes_after_it_was_hashed_is_refused(
    client, store, visit, folder, monkeypatch, change
):
    announce = Client.announce

    def changing(self, inspection_id, manifest):
        outcomes = announce(self, inspection_id, manifest)
        (folder / "a/1.jpg").write_bytes(change((folder / "a/1.jpg").read_bytes()))
        return outcomes

    monkeypatch.setattr(Client, "announce", changing)
    sent = send(client, visit, scan(folder).found)
    assert refused(sent) == {"a/1.jpg": "file_changed"}
    assert sent.stored == 3


def test_a_file_that_vanishes_after_it_was_hashed_is_refused(client, store, visit, folder, monkeypatch):
    announce = Client.announce

    def vanishing(self, inspection_id, manifest):
        outcomes = announce(self, inspection_id, manifest)
        (folder / "a/1.jpg").unlink()
        return outcomes

    monkeypatch.setattr(Client, "announce", vanishing)
    assert refused(send(client, visit, scan(folder).found)) == {"a/1.jpg": "file_unreadable"}


def test_an_address_that_ran_out_is_asked_for_again(client, store, visit, folder, monkeypatch):
    announce, calls = Client.announce, []

    def stale(self, inspection_id, manifest):
        outcomes = announce(self, inspection_id, manifest)
        calls.append(len(manifest.files))
        if len(calls) == 1:
            target = outcomes.files[0].target
            assert target is not None
            outcomes.files[0].target = target.model_copy(update={"url": target.url + "0"})
        return outcomes

    monkeypatch.setattr(Client, "announce", stale)
    assert send(client, visit, scan(folder).found).stored == 4
    assert calls == [4, 1]


def test_storage_that_takes_nothing_is_reported_for_each_photo(
    client, store, visit, folder, monkeypatch, servers
):
    monkeypatch.setattr(Uploader, "_put", lambda *_: False)
    sent = send(client, visit, scan(folder).found)
    assert set(refused(sent).values()) == {"photo_not_uploaded"}
    where = f"storage at {urlsplit(servers.s3.s3_endpoint_url).netloc} did not take it in several tries"
    assert {refusal.detail for refusal in sent.refusals} == {where}


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_does_not_wait_for_the_photos_under_way(client, visit, folder, monkeypatch):
    def slowly(_):
        time.sleep(0.3)  # in the moment before it waits, Python hears a signal only after the wait
        signal.pthread_kill(main, signal.SIGINT)
        for _ in range(200):
            time.sleep(0.05)
            yield b""

    main = threading.get_ident()
    monkeypatch.setattr(upload, "_as_announced", slowly)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        send(client, visit, scan(folder).found[:1])
    assert time.monotonic() - started < 5


def test_a_start_without_any_photo_lists_what_was_refused(api_url, key, engine, tmp_path, monkeypatch):
    given_model(engine)
    monkeypatch.setenv("WALLSCAN_URL", api_url)
    monkeypatch.setenv("WALLSCAN_API_KEY", key)
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    done = CliRunner().invoke(app, ["upload", str(tmp_path), "--model", "a-model", "--start"])
    assert done.exit_code == SOME_FAILED, done.output
    assert "file_unreadable" in done.output
