"""The three real servers: killed, moved, replaced by outside ones, started again."""

import os
import shutil
import socket
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.local.processes import eventually, kill
from tests.servers import TestServers
from wallscan.local import postgres
from wallscan.local.accounts import make_folder
from wallscan.local.data import DataFolder, State
from wallscan.local.group import ProcessGroup
from wallscan.local.servers import Outside, Servers
from wallscan.local.supervisor import Supervisor
from wallscan.storage import S3ObjectStore, StorageUnavailable

INSIDE = Outside(redis_url=None, database_url=None, s3_endpoint_url=None)


class Running:
    """Started servers, and what tests ask of them."""

    def __init__(self, data: DataFolder, supervisor: Supervisor, servers: Servers) -> None:
        self.data = data
        self.supervisor = supervisor
        self.servers = servers
        self.addresses = servers.start()
        self.store = S3ObjectStore(self.addresses.s3)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        url = self.addresses.database_url.replace("+psycopg", "")
        with psycopg.connect(url, connect_timeout=2) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.addresses.redis_url, decode_responses=True)

    def is_replaced(self, name: str, pid: int) -> bool:
        return self.supervisor.pids().get(name, pid) != pid

    def works(self, name: str) -> bool:
        """Whether a server that was killed answers again, with what was written before."""
        try:
            if name == "postgres":
                return self.execute("SELECT word FROM kept") == [("before",)]
            if name == "valkey":
                return self.redis().get("kept") == "before"
            return self.store.get("kept") == b"before"
        except (psycopg.OperationalError, redis.RedisError, StorageUnavailable):
            return False


@contextmanager
def running(folder: Path, outside: Outside = INSIDE):
    data = DataFolder(folder)
    group = ProcessGroup(data.lock_fd)
    supervisor = Supervisor(group)
    servers = Servers(data, supervisor, outside)
    try:
        yield Running(data, supervisor, servers)
        data.write_state(State(ports=servers.ports))
    finally:
        servers.stop()
        supervisor.close()
        group.end()
        data.unlock()


def test_killed_servers_come_back_with_their_data_and_so_they_do_next_time(open_folder):
    with running(open_folder) as first:
        first.execute("CREATE TABLE kept AS SELECT 'before' AS word")
        first.redis().set("kept", "before")
        first.store.put("kept", b"before", "text/plain")
        for name, pid in first.supervisor.pids().items():
            kill(pid)
            eventually(partial(first.is_replaced, name, pid))
            eventually(partial(first.works, name))
    with running(open_folder) as second:
        assert second.addresses == first.addresses
        for name in ("valkey", "postgres", "seaweedfs"):  # storage answers before its volumes have reported
            eventually(partial(second.works, name))


def test_a_taken_port_and_outside_servers_are_gone_around(open_folder, servers):
    outside = Outside(redis_url=servers.redis_url, database_url=None, s3_endpoint_url=None)
    data = DataFolder(open_folder)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        data.write_state(State(ports={"postgres": taken}))
        data.unlock()
        with running(open_folder, outside) as found:
            assert found.servers.ports["postgres"] != taken
            assert found.addresses.redis_url == servers.redis_url
            assert set(found.supervisor.pids()) == {"postgres", "seaweedfs"}
            assert found.execute("SELECT 1") == [(1,)]


def ports_of(servers: TestServers) -> set[int]:
    addresses = (servers.redis_url, servers.database_url, servers.s3.s3_endpoint_url)
    return {port for address in addresses if (port := urlsplit(address).port)}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux' /proc")
def test_servers_listen_on_loopback_alone(servers):
    # Lines of: number, local address as HEX:HEX, remote address, state (0A: listening) ...
    rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [local.split(":") for local, _, state in rows if state == "0A"]
    ours = [address for address, port in listening if int(port, 16) in ports_of(servers)]
    assert ours == ["0100007F"] * 3


def test_servers_ask_for_passwords(servers):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=urlsplit(servers.redis_url).port or 0, retry=Retry(NoBackoff(), 0)).ping()
    port = urlsplit(servers.database_url).port
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for PostgreSQL")
def test_a_folder_closed_to_others_keeps_its_database_elsewhere(open_folder):
    home = make_folder(open_folder / "home", 0o700)
    data = DataFolder(home / "data")
    elsewhere = postgres.home(data)
    data.unlock()
    assert not elsewhere.is_relative_to(home)
    try:
        with running(home / "data") as closed:
            closed.execute("CREATE TABLE kept AS SELECT 'before' AS word")
        home.chmod(0o755)
        with running(home / "data") as opened:  # the database stays where it was made
            assert opened.works("postgres")
    finally:
        shutil.rmtree(elsewhere)


def test_quotes_in_the_folders_path_do_not_keep_the_broker_from_its_folder(open_folder):
    outside = Outside(database_url="postgresql://elsewhere")
    with (
        running(open_folder / 'the "old" \\ wing', outside) as found,
        redis.Redis.from_url(found.addresses.redis_url) as broker,
    ):
        broker.set("kept", 1)
    assert (open_folder / 'the "old" \\ wing' / "valkey" / "appendonlydir").is_dir()


def test_a_comma_in_the_folders_path_makes_no_second_folder(open_folder):
    outside = Outside(redis_url="redis://elsewhere", database_url="postgresql://elsewhere")
    with running(open_folder / "Smith, John", outside) as found:
        found.store.put("kept", b"x", "text/plain")
    assert [path.name for path in open_folder.iterdir()] == ["Smith, John"]
