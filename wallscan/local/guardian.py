"""The last resort against orphans: outlives its launcher by moments, and takes the process group along.

Run as a script by `wallscan.local.group`, without site packages, as the leader of the group in which all
children of a stack live. Its standard input is a pipe that only the launcher holds: the end of it means that
the launcher is gone, however it went. A lock file's descriptor may be inherited, so that the data folder
stays locked until the last child is gone.
"""

import os
import select
import signal
import sys
import time

GRACE_S = 4.0


def watch(launcher: int) -> None:
    """Return when the launcher is gone."""
    # A fork of the launcher may hold the pipe too, so its end is not awaited alone.
    while os.getppid() == launcher:
        if select.select([0], [], [], 0.5)[0] and not os.read(0, 1):
            return


def end_group(group: int) -> None:
    """Ask every process of the group to stop, and after GRACE_S make it."""
    deadline = time.monotonic() + GRACE_S
    try:
        os.killpg(group, signal.SIGTERM)
        while time.monotonic() < deadline:
            time.sleep(0.05)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return  # the group is empty


def main() -> None:
    """Watch, then end the group from a fork outside it: only so does the group become empty."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(int(sys.argv[1]))
    group = os.getpgrp()
    if os.fork():
        os._exit(0)
    os.setpgid(0, 0)
    end_group(group)


if __name__ == "__main__":
    main()
