"""Engines and sessions. One engine per process, made after fork; the boundary commits, nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError

_SERVER_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "30s",  # nothing is waited for in a transaction
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_OPTIONS = " ".join(f"-c {name}={value}" for name, value in _SERVER_SETTINGS.items())
_KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # ms
}


def make_engine(database_url: str, pool_size: int = 5) -> Engine:
    """An engine for this process; connections are checked before use, so a restarted server is no error.

    Statements are stopped by the server after 60 s: no query of this product is meant to take longer. Locks
    of a process that is frozen, or whose machine is gone, are free again after half a minute, and a process
    whose server's machine is gone learns of it within a whole one.
    """
    return create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": _OPTIONS, **_KEEPALIVES},
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One transaction: committed where the block ends, rolled back where it raises.

    Raises UnavailableError `database_unavailable` where the server does not answer.
    """
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
    except (OperationalError, InterfaceError) as error:
        raise UnavailableError(Code.DATABASE_UNAVAILABLE, "the database does not answer") from error


@contextmanager
def snapshot(engine: Engine) -> Iterator[Session]:
    """For answers put together from several statements: all of them see what the first one saw.

    In `transaction` each sees what others committed before it began, so parts of an answer may contradict
    each other: a comparison that passed beside a version that does not serve yet. Reads only. Raises
    UnavailableError `database_unavailable`.
    """
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with transaction(reading) as session:
        yield session
