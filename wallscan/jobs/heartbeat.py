"""Holding a claim while its work lasts."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from wallscan.domain.errors import UnavailableError

_log = logging.getLogger(__name__)


@contextmanager
def held(extend: Callable[[], bool], lease_s: float) -> Iterator[None]:
    """Extend a lease from a thread, three times a lease, until the block ends or the claim is lost.

    A process that dies or is frozen stops beating, and its lease runs out.
    """
    done = Event()
    beating = Thread(target=_beat, args=(extend, lease_s / 3, done), daemon=True)
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()


def _beat(extend: Callable[[], bool], every_s: float, done: Event) -> None:
    while not done.wait(every_s):
        try:
            if not extend():
                return
        except UnavailableError as error:
            _log.warning("the lease could not be extended: %s", error)
