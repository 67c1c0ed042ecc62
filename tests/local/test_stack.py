"""How a stack starts where it cannot, before any server runs."""

import errno
import http.server
import os
import threading

import pytest

from wallscan.domain.codes import Code
from wallscan.local import stack
from wallscan.local.data import DataFolder, State
from wallscan.local.errors import LocalError
from wallscan.local.ports import GRPC_OFFSET, choose_ports
from wallscan.local.servers import Servers
from wallscan.local.services import Services
from wallscan.local.stack import Stack


class Answering(http.server.BaseHTTPRequestHandler):
    """Another API, ready for everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def no_servers(monkeypatch):
    """A start that gets as far as the servers fails; the ports that they would have had."""
    ports: dict[str, int] = {}

    def started(servers):
        ports.update(servers.ports)
        raise AssertionError("the servers were started")

    monkeypatch.setattr(Servers, "start", started)
    return ports


def test_another_api_on_the_port_is_not_taken_for_ours(tmp_path, no_servers):
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(LocalError, match="is taken") as refused, Stack(tmp_path, port=other.server_port):
            pass
        other.shutdown()
    assert refused.value.code is Code.SERVER_START_FAILED


@pytest.mark.parametrize("offset", [0, GRPC_OFFSET])
def test_no_server_keeps_the_port_that_is_asked_for(tmp_path, no_servers, offset):
    known = choose_ports(["valkey", "postgres"], {})
    data = DataFolder(tmp_path)
    data.write_state(State(ports=known))
    data.unlock()
    with pytest.raises(AssertionError), Stack(tmp_path, port=known["valkey"] + offset):
        pass
    assert no_servers["postgres"] == known["postgres"]
    asked = known["valkey"] + offset
    assert all(asked not in (port, port + GRPC_OFFSET) for port in no_servers.values())


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "step",
    [(DataFolder, "write_state"), (Servers, "start"), (stack, "ProcessGroup")],
    ids=lambda step: step[1],
)
def test_a_full_disk_at_the_start_is_told_and_leaves_the_folder_free(tmp_path, monkeypatch, step):
    DataFolder(tmp_path).unlock()
    with monkeypatch.context() as patch:
        patch.setattr(*step, full)
        with pytest.raises(LocalError, match="No space left on device") as refused, Stack(tmp_path):
            pass
    assert refused.value.code is Code.SERVER_START_FAILED
    DataFolder(tmp_path).unlock()


def test_a_full_disk_at_the_end_changes_nothing_about_it(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Stack, "_start", lambda _: None)
    with Stack(tmp_path):
        monkeypatch.setattr(DataFolder, "write_state", full)
    assert "No space left on device" in caplog.text
    DataFolder(tmp_path).unlock()


def test_a_broker_that_is_away_is_a_worker_that_does_not_answer(tmp_path):
    data = DataFolder(tmp_path)
    worker = Services(data, {"REDIS_URL": "redis://127.0.0.1:1/0"}).workers(1)
    assert not worker.answers()
    data.unlock()
