import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from benchmarks.far_storage import late_by

BODY = bytes(range(256)) * 4096


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def near():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_answers_come_whole_and_late_and_an_open_connection_ends_with_the_proxy(near):
    with warnings.catch_warnings(), httpx.Client() as client:
        warnings.simplefilter("error")
        with late_by(0.2, near) as far:
            began = time.monotonic()
            for _ in range(2):  # the second on the connection of the first
                assert client.put(far, content=BODY).content == BODY
            assert time.monotonic() - began >= 0.4
        with pytest.raises(httpx.TransportError):
            client.put(far, content=BODY)
