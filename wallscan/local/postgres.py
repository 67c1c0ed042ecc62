"""PostgreSQL as a child: the database, under an account that it accepts."""

import os
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from wallscan.domain.codes import Code
from wallscan.local import binaries
from wallscan.local.accounts import (
    SHARED_HOME,
    Account,
    is_reachable,
    make_folder,
    reachable_postgres,
    server_account,
)
from wallscan.local.binaries import PostgresBinaries
from wallscan.local.data import DataFolder, write_private
from wallscan.local.errors import LocalError
from wallscan.local.group import Program
from wallscan.local.probes import postgres_answers
from wallscan.local.supervisor import Child, log_end

NAME = "wallscan"  # of the product's role and database


def home(data: DataFolder) -> Path:
    """The folder of the cluster: in the data folder unless the server's account cannot get there.

    A cluster that was made stays where it is, whatever the folder's mode is by now.
    """
    near, far = data.path / "postgres", SHARED_HOME / data.secrets.instance
    if server_account() is None or (near / "data").exists():
        return near
    return near if is_reachable(data.path) and not far.exists() else far


def url(data: DataFolder, port: int) -> str:
    """The product's database, as SQLAlchemy spells it."""
    return f"postgresql+psycopg://{NAME}:{data.secrets.database_password}@127.0.0.1:{port}/{NAME}"


def superuser_url(data: DataFolder, port: int) -> str:
    """The maintenance database, as libpq spells it."""
    return f"postgresql://postgres:{data.secrets.postgres_password}@127.0.0.1:{port}/postgres"


def child(data: DataFolder, port: int, *, durable: bool = True) -> Child:
    """The server, its cluster made if needed; `durable=False` skips fsync, for data that may be lost.

    Raises LocalError `server_binary_missing` or `server_start_failed`.
    """
    programs = binaries.postgres()
    account = server_account()
    if account:
        programs = reachable_postgres(programs)
    cluster = _cluster(data, programs, account)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "jit": "off",
        "fsync": "on" if durable else "off",
    }
    argv = [str(programs.postgres), "-D", str(cluster)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return Child(
        name="postgres",
        program=Program(argv, _environment(), cluster, account, data.log("postgres")),
        answers=partial(postgres_answers, superuser_url(data, port)),
        stop_signal=signal.SIGINT,  # "fast": ends sessions instead of waiting for them
    )


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like would be taken up by initdb and postgres.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _cluster(data: DataFolder, programs: PostgresBinaries, account: Account | None) -> Path:
    folder = make_folder(home(data), 0o700)
    if account:
        os.chown(folder, account.uid, account.gid)
    cluster = folder / "data"
    if not cluster.exists():
        _initdb(data, programs, account, folder)
    return cluster


def _initdb(data: DataFolder, programs: PostgresBinaries, account: Account | None, folder: Path) -> None:
    """Make a cluster that asks for passwords; a rename at the end makes it all or nothing."""
    new, password = folder / "new", folder / "password"
    shutil.rmtree(new, ignore_errors=True)  # left by an interrupted start
    write_private(password, data.secrets.postgres_password)
    who: dict[str, Any] = {}
    if account:
        os.chown(password, account.uid, account.gid)
        who = {"user": account.uid, "group": account.gid, "extra_groups": []}
    argv = [str(programs.initdb), "-D", str(new), "-U", "postgres", f"--pwfile={password}"]
    argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    with data.log("initdb").open("wb") as log:
        done = subprocess.run(
            argv, stdout=log, stderr=subprocess.STDOUT, env=_environment(), cwd=folder, check=False, **who
        )
    password.unlink()
    if done.returncode:
        detail = f"initdb failed:\n{log_end(data.log('initdb'))}"
        raise LocalError(Code.SERVER_START_FAILED, detail)
    new.rename(folder / "data")


def create_database(data: DataFolder, port: int) -> None:
    """Make the product's role and database unless they are there. The role owns its database, no more."""
    name = sql.Identifier(NAME)
    with psycopg.connect(superuser_url(data, port), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME]).fetchone():
            password = sql.Literal(data.secrets.database_password)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
