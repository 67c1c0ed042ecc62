"""How a stack starts where it cannot, before any server runs."""

import http.server
import threading

import pytest

from wallscan.domain.codes import Code
from wallscan.local.data import DataFolder, State
from wallscan.local.errors import LocalError
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
    """A start that gets as far as the servers fails."""

    def started(_):
        raise AssertionError("the servers were started")

    monkeypatch.setattr(Servers, "start", started)


def test_another_api_on_the_port_is_not_taken_for_ours(tmp_path, no_servers):
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(LocalError, match="is taken") as refused, Stack(tmp_path, port=other.server_port):
            pass
        other.shutdown()
    assert refused.value.code is Code.SERVER_START_FAILED


def test_no_server_keeps_the_port_that_is_asked_for(tmp_path, no_servers):
    data = DataFolder(tmp_path)
    data.write_state(State(ports={"valkey": 12345, "postgres": 12346}))
    data.unlock()
    with pytest.raises(AssertionError), Stack(tmp_path, port=12345):
        pass
    data = DataFolder(tmp_path)
    assert data.state().ports == {"postgres": 12346}
    data.unlock()


def test_a_broker_that_is_away_is_a_worker_that_does_not_answer(tmp_path):
    data = DataFolder(tmp_path)
    worker = Services(data, {"REDIS_URL": "redis://127.0.0.1:1/0"}).workers(1)
    assert not worker.answers()
    data.unlock()
