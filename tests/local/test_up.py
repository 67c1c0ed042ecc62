"""`wallscan up` itself, twice on one data folder: parts killed, told to stop, killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.local.processes import descendants, eventually, is_running, kill
from wallscan.domain.codes import Code
from wallscan.local.data import State
from wallscan.local.errors import LocalError
from wallscan.local.stack import Stack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux' /proc"),
]
OUTSIDE = ("REDIS_URL", "DATABASE_URL", "S3_ENDPOINT_URL", "S3_PUBLIC_ENDPOINT_URL")


class Up:
    """A running `wallscan up`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        env = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
        program = Path(sys.executable).with_name("wallscan")
        self.process = subprocess.Popen(
            [program, "up", "--data", folder, "--workers", "1"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        exports = [self.process.stdout.readline() for _ in range(2)]
        assert all(exports), self.process.communicate()[1]
        self.url, self.key = (line.strip().partition("=")[2] for line in exports)

    def state(self) -> State:
        return State.model_validate_json((self.folder / "stack.json").read_text())

    def sites(self, key: str | None = None) -> int:
        """The status of a request that needs a key; 0 without an answer."""
        try:
            headers = {"authorization": f"Bearer {key or self.key}"}
            return httpx.get(f"{self.url}/v1/sites", headers=headers, timeout=10).status_code
        except httpx.TransportError:
            return 0


@pytest.fixture
def up(open_folder):
    started: list[Up] = []

    def start() -> Up:
        started.append(Up(open_folder / "data"))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_up_serves_repairs_itself_stops_in_order_and_leaves_nothing_when_killed(up):
    first = up()
    assert (first.sites(), first.sites("wsk_0_0")) == (200, 401)
    children = first.state().children
    assert set(children) == {"valkey", "postgres", "seaweedfs", "api", "worker", "trainer", "sweeper"}

    with pytest.raises(LocalError) as busy, Stack(first.folder):
        pass
    assert busy.value.code is Code.STACK_BUSY
    assert first.url in busy.value.detail

    for pid in children.values():
        kill(pid)
    eventually(lambda: not set(children.values()) & set(first.state().children.values()), 120)
    eventually(lambda: first.sites() == 200, 120)

    everything = descendants(first.process.pid)
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(60) == 0
    assert not any(map(is_running, everything))
    assert first.state().children == {}

    second = up()
    assert (second.url, second.key) == (first.url, first.key)
    assert second.sites() == 200
    everything = descendants(second.process.pid)
    second.process.kill()
    eventually(lambda: not any(map(is_running, everything)), 60)
