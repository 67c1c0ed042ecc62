"""Valkey as a child: the queue's broker."""

import os
from functools import partial

from wallscan.local import binaries
from wallscan.local.accounts import make_folder
from wallscan.local.data import DataFolder, write_private
from wallscan.local.group import Program
from wallscan.local.probes import redis_answers
from wallscan.local.supervisor import Child


def url(data: DataFolder, port: int, database: int = 0) -> str:
    """The URL of a logical database."""
    return f"redis://:{data.secrets.redis_password}@127.0.0.1:{port}/{database}"


def child(data: DataFolder, port: int) -> Child:
    """The server, keeping its queues on disk. Raises LocalError `server_binary_missing`."""
    program = binaries.valkey()
    home = make_folder(data.path / "valkey", 0o700)
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": data.secrets.redis_password,
        "dir": ".",  # where it is started: a path may hold what this file takes for a quote
        "daemonize": "no",
        "save": '""',
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
    }
    config = home / "valkey.conf"
    write_private(config, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Child(
        name="valkey",
        program=Program([str(program), str(config)], dict(os.environ), home, log=data.log("valkey")),
        answers=partial(redis_answers, url(data, port)),
    )
