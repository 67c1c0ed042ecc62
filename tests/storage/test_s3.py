"""The storage port's contract, held by a real S3 server."""

import hashlib
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from pydantic import SecretStr

from wallscan.domain.codes import Code
from wallscan.storage import ObjectExists, ObjectMissing, S3ObjectStore, StorageUnavailable

TEXT = "text/plain"
WALL = b"a wall" * 1000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_is_put_is_got(store):
    store.put("a/b", WALL, TEXT)
    assert store.get("a/b") == WALL
    assert store.stat("a/b").size_bytes == len(WALL)
    assert store.stat("a/b").etag == hashlib.md5(WALL, usedforsecurity=False).hexdigest()


def test_putting_again_replaces(store):
    store.put("a", b"old", TEXT)
    store.put("a", b"", TEXT)
    assert store.get("a") == b""


def test_put_if_absent_keeps_the_first(store):
    store.put("a", b"first", TEXT, if_absent=True)
    with pytest.raises(ObjectExists) as refused:
        store.put("a", b"second", TEXT, if_absent=True)
    assert refused.value.code is Code.OBJECT_EXISTS
    assert store.get("a") == b"first"


def test_files_of_several_parts_go_there_and_back(store, tmp_path):
    data = bytes(range(256)) * (64 << 10)  # 16 MiB: two parts of an upload
    (tmp_path / "up").write_bytes(data)
    store.put_file("big", tmp_path / "up", TEXT)
    store.download("big", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == data


@pytest.mark.parametrize("ask", ["get", "stat"])
def test_a_missing_object_is_one_error(store, ask):
    with pytest.raises(ObjectMissing) as missing:
        getattr(store, ask)("no/such")
    assert (missing.value.code, missing.value.key) == (Code.OBJECT_MISSING, "no/such")


def test_a_missing_object_is_not_downloaded(store, tmp_path):
    with pytest.raises(ObjectMissing):
        store.download("no/such", tmp_path / "down")


def test_list_gives_the_keys_under_a_prefix_in_order(store):
    for key in ("b/2", "b/1", "c", "a"):
        store.put(key, b"x", TEXT)
    assert list(store.list("b/")) == ["b/1", "b/2"]
    assert list(store.list("nothing/")) == []


def test_list_and_delete_go_past_the_thousand_of_one_request(store):
    for number in range(1005):
        store.put(f"many/{number:04d}", b"", TEXT)
    assert len(list(store.list("many/"))) == 1005
    store.delete_many(store.list("many/"))
    assert list(store.list("many/")) == []


def test_deleting_what_is_not_there_is_no_error(store):
    store.put("a", b"x", TEXT)
    store.delete("a")
    store.delete("a")
    store.delete_many(["a", "b"])
    with pytest.raises(ObjectMissing):
        store.get("a")


def test_ensure_bucket_makes_it_once(servers):
    settings = servers.s3.model_copy(update={"s3_bucket": "made-by-a-test"})
    S3ObjectStore(settings).ensure_bucket()
    S3ObjectStore(settings).ensure_bucket()
    S3ObjectStore(settings).put("a", b"x", TEXT)


def test_a_proxy_is_not_asked_for_this_machines_own_server(servers, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    S3ObjectStore(servers.s3).ensure_bucket()


def test_an_object_in_no_bucket_is_unavailable_storage(servers):
    store = S3ObjectStore(servers.s3.model_copy(update={"s3_bucket": "no-such-bucket"}))
    with pytest.raises(StorageUnavailable):
        store.get("a")


def test_a_server_that_is_away_is_unavailable_storage(servers):
    store = S3ObjectStore(servers.s3.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"}))
    with pytest.raises(StorageUnavailable) as away:
        store.get("a")
    assert away.value.code is Code.STORAGE_UNAVAILABLE


@pytest.fixture
def refusing(servers):
    """Storage that reads its requests and answers each with 500."""

    class Refusing(BaseHTTPRequestHandler):
        def do_PUT(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(500)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        yield S3ObjectStore(servers.s3.model_copy(update={"s3_endpoint_url": address}))
        server.shutdown()


@pytest.mark.parametrize("way", ["put", "put_file", "put_stream"])
def test_a_server_that_cannot_write_is_unavailable_storage(refusing, tmp_path, way):
    (tmp_path / "a").write_bytes(WALL)
    what = {"put": WALL, "put_file": tmp_path / "a", "put_stream": io.BytesIO(WALL)}[way]
    with pytest.raises(StorageUnavailable, match="500"):
        getattr(refusing, way)("a", what, TEXT)


def test_a_presigned_put_takes_the_announced_bytes(store):
    put = store.presign_put("p", 60, size_bytes=len(WALL), sha256=sha256(WALL), content_type="image/jpeg")
    assert httpx.put(put.url, content=WALL, headers=dict(put.headers)).status_code == 200
    assert store.get("p") == WALL
    assert store.stat("p").sha256 == sha256(WALL)


def test_a_presigned_put_refuses_other_bytes(store):
    put = store.presign_put("p", 60, size_bytes=len(WALL), sha256=sha256(WALL), content_type="image/jpeg")
    answer = httpx.put(put.url, content=WALL[::-1], headers=dict(put.headers))
    assert (answer.status_code, "BadDigest" in answer.text) == (400, True)
    with pytest.raises(ObjectMissing):
        store.get("p")


def test_a_presigned_put_refuses_another_size(store):
    put = store.presign_put("p", 60, size_bytes=len(WALL), sha256=sha256(WALL), content_type="image/jpeg")
    headers = {**put.headers, "content-length": str(len(WALL) + 1)}
    assert httpx.put(put.url, content=WALL + b"!", headers=headers).status_code == 403


def test_a_presigned_put_refuses_another_hash_and_another_key(store):
    put = store.presign_put("p", 60, size_bytes=len(WALL), sha256=sha256(WALL), content_type="image/jpeg")
    other = store.presign_put("p", 60, size_bytes=len(WALL), sha256=sha256(b"x"), content_type="image/jpeg")
    assert httpx.put(put.url, content=WALL, headers=dict(other.headers)).status_code == 403
    assert (
        httpx.put(put.url.replace("/p?", "/q?"), content=WALL, headers=dict(put.headers)).status_code == 403
    )


def test_a_presigned_get_hands_out_under_a_name(store):
    store.put("a", WALL, TEXT)
    answer = httpx.get(store.presign_get("a", 60, file_name='Küche "1".png'))
    assert answer.content == WALL
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''K%C3%BCche%20%221%22.png"


def test_expired_addresses_are_refused(store):
    store.put("a", WALL, TEXT)
    get = store.presign_get("a", 1)
    put = store.presign_put("b", 1, size_bytes=1, sha256=sha256(b"x"), content_type=TEXT)
    time.sleep(2.1)  # expiry is counted in whole seconds
    assert httpx.get(get).status_code == 403
    assert httpx.put(put.url, content=b"x", headers=dict(put.headers)).status_code == 403


def test_without_a_signature_nothing_is_given(store):
    store.put("a", WALL, TEXT)
    assert httpx.get(store.presign_get("a", 60).partition("?")[0]).status_code == 403


def test_presigned_addresses_name_the_public_endpoint(servers):
    port = servers.s3.s3_endpoint_url.rpartition(":")[2]
    public = servers.s3.model_copy(update={"s3_public_endpoint_url": f"http://localhost:{port}"})
    store = S3ObjectStore(public)
    store.put("a", WALL, TEXT)
    address = store.presign_get("a", 60)
    assert address.startswith(f"http://localhost:{port}/")
    assert httpx.get(address).content == WALL


def test_a_wrong_secret_gets_nothing(store, servers):
    store.put("a", WALL, TEXT)
    wrong = S3ObjectStore(servers.s3.model_copy(update={"aws_secret_access_key": SecretStr("wrong")}))
    assert httpx.get(wrong.presign_get("a", 60)).status_code == 403
