"""One running system for the tests of this folder, started by the real `wallscan up`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import open_folder
from tests.system.cli import COMMAND, PATIENCE_S, Shell
from wallscan.local import spawn


@dataclass(frozen=True)
class Up:
    """A running `wallscan up`."""

    data: Path
    url: str
    key: str

    def pid(self, child: str) -> int:
        """The process id of a child, as the launcher wrote it down."""
        return int(json.loads((self.data / "stack.json").read_text())["children"][child])


@pytest.fixture(scope="session")
def up() -> Iterator[Up]:
    env = {**os.environ, "TASK_LEASE_S": "3", "SWEEP_GRACE_S": "2"}  # a killed worker's photos wait less
    with open_folder() as data, (data / "up.log").open("w") as log:
        up = [COMMAND, "up", "--data", str(data), "--workers", "1"]
        argv = [sys.executable, spawn.__file__, str(os.getpid()), "-1", "-1", *up]  # it ends with pytest
        process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield _read(process, data)
        finally:
            process.terminate()
            assert process.wait(timeout=PATIENCE_S) == 0, (data / "up.log").read_text()


def _read(process: subprocess.Popen[str], data: Path) -> Up:
    assert process.stdout is not None
    printed = dict(
        line.removeprefix("export ").strip().split("=", 1)
        for line in (process.stdout.readline() for _ in range(2))
        if line
    )
    assert printed, (data / "up.log").read_text()
    return Up(data, printed["WALLSCAN_URL"], printed["WALLSCAN_API_KEY"])


@pytest.fixture
def shell(up: Up, tmp_path: Path) -> Shell:
    """A shell that uses the running system."""
    return Shell(tmp_path, {"WALLSCAN_URL": up.url, "WALLSCAN_API_KEY": up.key})
