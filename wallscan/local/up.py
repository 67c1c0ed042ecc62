"""What `wallscan up` does: run the stack until it is told to stop."""

import signal
from collections.abc import Callable
from types import FrameType

from wallscan.local.stack import Stack

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(BaseException):
    """Raised in the main thread when the process is told to stop."""


def serve(stack: Stack, ready: Callable[[Stack], None]) -> None:
    """Start the stack, call `ready`, and stop everything at SIGINT, SIGTERM or SIGHUP.

    Raises as `Stack` does. Call from the main thread: signals come there. They stay ignored afterwards.
    """
    for number in _STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, _stop)
    try:
        with stack:
            ready(stack)
            while True:
                signal.pause()
    except _Stopped:
        return


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _STOPPING:  # once is enough: a second Ctrl-C must not cut the stopping short
        signal.signal(number, signal.SIG_IGN)
    raise _Stopped
