"""The real command, as a person runs it, and what it left behind."""

import csv
import os
import re
import signal
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from wallscan.wire.report import PhotoRow, Report

COMMAND = str(Path(sys.executable).with_name("wallscan"))
PATIENCE_S = 800  # a busy machine is slow; a hung command is still noticed
SAMPLES = Path(__file__).parents[2] / "samples" / "photos"


@dataclass(frozen=True)
class Shell:
    """Runs `wallscan` in a folder and an environment of its own."""

    folder: Path
    env: dict[str, str]

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        around = {name: value for name, value in os.environ.items() if not name.startswith("WALLSCAN_")}
        return subprocess.Popen(
            [COMMAND, *args],
            cwd=self.folder,
            env={**around, **self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - it takes no lock
        )

    def run(self, *args: str, status: int = 0, **env: str) -> str:
        """What the command printed, both streams; it must end with `status`."""
        with self.start(*args, **env) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE_S)
            finally:
                process.terminate()  # no effect where it ended by itself
        assert process.returncode == status, f"{process.returncode}\n{out}\n{err}"
        return out + err


def _heed_ctrl_c() -> None:
    """A shell's background jobs ignore Ctrl-C, and so would a command of tests that run as one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_report(folder: Path) -> Report:
    return Report.model_validate_json((folder / "report.json").read_bytes())


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def by_photo(report: Report) -> dict[str, PhotoRow]:
    """The first row of each photo."""
    return {row.photo: row for row in reversed(report.photos)}


def id_after(word: str, printed: str) -> uuid.UUID:
    """The id that a command printed after a word."""
    found = re.search(rf"{word}:? ([0-9a-f-]{{36}})", printed)
    assert found is not None, printed
    return uuid.UUID(found[1])
