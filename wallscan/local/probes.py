"""Does a server answer? Each probe is one short question on loopback."""

import http.client

import psycopg
import redis

_TIMEOUT_S = 2


def http_answers(port: int, path: str) -> bool:
    """Whether `GET path` on this port is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def redis_answers(url: str) -> bool:
    """Whether the server at this URL answers PING and has its data loaded."""
    try:
        with redis.Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def postgres_answers(url: str) -> bool:
    """Whether a connection to this `postgresql://` URL can be made."""
    try:
        psycopg.connect(url, connect_timeout=_TIMEOUT_S).close()
    except psycopg.OperationalError:
        return False
    return True
