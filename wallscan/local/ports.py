"""Free ports on loopback."""

import random
import socket
from collections.abc import Mapping, Sequence
from itertools import chain

LOOPBACK = "127.0.0.1"
# Below the range systems give to outgoing connections (Linux from 32768), with room for `+ GRPC_OFFSET`.
_FIRST, _LAST = 12000, 21999
GRPC_OFFSET = 10000


def choose_ports(names: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """A port for each name that nobody listens on, nor on that plus GRPC_OFFSET; the known one if free.

    Another process may still take one before it is used: a server that cannot listen is started elsewhere.
    """
    chosen: dict[str, int] = {}
    for name in names:
        candidates = chain([known[name]] if name in known else [], iter(_random_port, None))
        chosen[name] = next(
            port
            for port in candidates
            if port not in chosen.values() and is_free(port) and is_free(port + GRPC_OFFSET)
        )
    return chosen


def _random_port() -> int:
    return random.randint(_FIRST, _LAST)  # noqa: S311 - no secret


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
