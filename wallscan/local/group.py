"""The process group of a stack, and how a child is born into it."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wallscan.local import guardian, spawn
from wallscan.local.accounts import Account

_PYTHON = [sys.executable, "-I", "-S"]  # no site packages: starts in 10 ms


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a list of arguments, all of the environment, where, as whom, and where its output goes."""

    argv: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    account: Account | None = None
    log: Path = Path(os.devnull)


class ProcessGroup:
    """The group all children live in; it ends with this process, however this process ends."""

    def __init__(self, lock_fd: int | None = None) -> None:
        """`lock_fd` is a locked file's descriptor, held until the last child is gone."""
        self._kept = () if lock_fd is None else (lock_fd,)
        self._guardian = self._guard(0)
        self.id = self._guardian.pid

    def _guard(self, group: int) -> subprocess.Popen[bytes]:
        argv = [*_PYTHON, guardian.__file__, str(os.getpid())]
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # else a reader of the launcher's output would wait for the guardian
            stderr=subprocess.DEVNULL,
            pass_fds=self._kept,
            process_group=group,
        )

    def keep_guarded(self) -> None:
        """Replace a guardian that was killed."""
        if self._guardian.poll() is None:
            return
        try:
            self._guardian = self._guard(self.id)
        except PermissionError:  # the group went with its last member
            self._guardian = self._guard(0)
            self.id = self._guardian.pid

    def start(self, program: Program) -> subprocess.Popen[bytes]:
        """Start a child. Call from a thread that lives as long as the children may: see `spawn`."""
        who = program.account or Account(-1, -1)
        argv = [*_PYTHON, spawn.__file__, str(os.getpid()), str(who.uid), str(who.gid), *program.argv]
        with program.log.open("ab") as log:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=program.env,
                cwd=program.cwd,
                process_group=self.id,
            )

    def end(self) -> None:
        """Kill what is left of the group, the guardian included. Stop the children before."""
        if self._guardian.returncode is None:  # once it was waited for, the group's id may be another's
            with suppress(ProcessLookupError):
                os.killpg(self.id, signal.SIGKILL)
            self._guardian.communicate()
