"""A stack's data folder: lock, secrets, logs and the file that tells where its parts are."""

import fcntl
import os
import secrets
import tempfile
import time
import uuid
from functools import partial
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from wallscan.domain.codes import Code
from wallscan.local.accounts import make_folder
from wallscan.local.errors import LocalError

# A guardian holds a dead launcher's lock until the last child is gone, within its GRACE_S.
_LOCK_WAIT_S = 6.0

_LOG_BYTES = 10 << 20  # a longer one is put aside at the next start

_secret = partial(secrets.token_urlsafe, 24)


class Secrets(BaseModel):
    """What a stack makes up at its first start and keeps."""

    instance: str = Field(default_factory=lambda: uuid.uuid4().hex)  # names what lives outside the folder
    postgres_password: str = Field(default_factory=_secret)  # of the superuser
    database_password: str = Field(default_factory=_secret)
    redis_password: str = Field(default_factory=_secret)
    s3_access_key: str = Field(default_factory=_secret)
    s3_secret_key: str = Field(default_factory=_secret)
    api_key: str | None = None


class State(BaseModel):
    """Where a stack's parts are: for people, for other programs, and for the next start. Holds no secret."""

    pid: int = 0  # of the launcher
    url: str | None = None
    ports: dict[str, int] = {}
    children: dict[str, int] = {}  # process ids


class DataFolder:
    """One stack's folder, locked from the making of this object until `unlock`."""

    def __init__(self, path: Path) -> None:
        """Make the folder if needed. Raises LocalError: `stack_busy` where another launcher holds it,
        `server_start_failed` where it cannot be written.
        """
        self.path = path.absolute()
        try:
            # As root, PostgreSQL's account must be able to pass through.
            make_folder(self.path, 0o711 if os.geteuid() == 0 else 0o700)
            self.logs = make_folder(self.path / "logs", 0o700)
            self.lock_fd = os.open(self.path / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._lock()
            self._put_long_logs_aside()
            self.secrets = self._load_secrets()
        except OSError as error:
            detail = f"the data folder {self.path} cannot be used: {error.strerror}"
            raise LocalError(Code.SERVER_START_FAILED, detail) from error

    def _lock(self) -> None:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while True:
            try:
                return fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                state = self.state()
                if time.monotonic() > deadline or _is_alive(state.pid):
                    os.close(self.lock_fd)
                    where = f"process {state.pid} ({state.url or 'starting'})"
                    detail = f"{self.path} is in use by the stack of {where}"
                    raise LocalError(Code.STACK_BUSY, detail) from None
            time.sleep(0.1)

    def _put_long_logs_aside(self) -> None:
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > _LOG_BYTES:
                log.replace(log.with_suffix(".log.old"))

    def unlock(self) -> None:
        """Let another launcher have the folder."""
        os.close(self.lock_fd)

    def _load_secrets(self) -> Secrets:
        if self._secrets_file.exists():
            try:
                return Secrets.model_validate_json(self._secrets_file.read_text())
            except ValueError:
                detail = f"{self._secrets_file} is damaged; put a copy back: the data opens with it alone"
                raise LocalError(Code.SERVER_START_FAILED, detail) from None  # the cause would show secrets
        made = Secrets()
        write_private(self._secrets_file, made.model_dump_json())
        return made

    @property
    def _secrets_file(self) -> Path:
        return self.path / "secrets.json"

    def keep_api_key(self, key: str) -> None:
        """Remember the first API key."""
        self.secrets = self.secrets.model_copy(update={"api_key": key})
        write_private(self._secrets_file, self.secrets.model_dump_json())

    def log(self, name: str) -> Path:
        """A child's log file."""
        return self.logs / f"{name}.log"

    def state(self) -> State:
        """What the last stack wrote down; empty before the first start."""
        try:
            return State.model_validate_json((self.path / "stack.json").read_text())
        except (FileNotFoundError, ValidationError):
            return State()

    def write_state(self, state: State) -> None:
        """Write down where the parts are."""
        write_private(self.path / "stack.json", state.model_dump_json(indent=2))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all or nothing."""
    descriptor, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave an empty file under the name: lost passwords
        Path(new).replace(path)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
