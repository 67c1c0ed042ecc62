"""Become a child program that does not outlive its launcher. Run as a script: launcher uid gid program ...

On Linux the kernel is asked to end the program when the thread that made it ends; this backs up the guardian
where both it and the launcher are killed. Changing the user clears that wish, so it comes last.
"""

import ctypes  # now: the other user may not be able to read the interpreter's files
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Change user if asked (uid -1: stay), ask for the signal, become the program."""
    launcher, uid, gid = (int(number) for number in sys.argv[1:4])
    libc = ctypes.CDLL(None)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # A shell's background job ignores Ctrl-C, and so would all that it starts, traps and handlers or not.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.getppid() != launcher:
        sys.exit("the launcher is gone")
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    main()
