"""Free ports on loopback."""

import random
import socket
from collections.abc import Collection, Mapping, Sequence
from itertools import chain

LOOPBACK = "127.0.0.1"
# Below the range systems give to outgoing connections (Linux from 32768), with room for `+ GRPC_OFFSET`.
_FIRST, _LAST = 12000, 21999
GRPC_OFFSET = 10000
_HIGHEST = 65535


def choose_ports(
    names: Sequence[str], known: Mapping[str, int], promised: Collection[int] = ()
) -> dict[str, int]:
    """A port for each name that nobody listens on, nor on that plus GRPC_OFFSET; the known one if free.

    Neither of the two is one of `promised`, which are somebody else's, or the other one of another name.
    A known one may be so high that there is no second: only the API's is chosen by people, and it needs none.
    Another process may still take one before it is used: a server that cannot listen is started elsewhere.
    """
    chosen: dict[str, int] = {}
    for name in names:
        candidates = chain([known[name]] if name in known else [], iter(_random_port, None))
        others = {*promised, *chosen.values()}
        chosen[name] = next(
            port
            for port in candidates
            if not _meets(port, others) and is_free(port) and _is_second_free(port)
        )
    return chosen


def _random_port() -> int:
    return random.randint(_FIRST, _LAST)  # noqa: S311 - no secret


def _meets(port: int, others: set[int]) -> bool:
    return not others.isdisjoint({port, port + GRPC_OFFSET, port - GRPC_OFFSET})


def _is_second_free(port: int) -> bool:
    return port + GRPC_OFFSET > _HIGHEST or is_free(port + GRPC_OFFSET)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
