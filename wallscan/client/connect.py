"""Which server a command talks to: the one that the environment names, or a private one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from wallscan.client.errors import InputError
from wallscan.client.http import Client
from wallscan.client.screen import Screen
from wallscan.domain.codes import Code


class ClientSettings(BaseSettings):
    """`WALLSCAN_URL` and `WALLSCAN_API_KEY` name a server; else `WALLSCAN_DATA_DIR` holds a private one."""

    model_config = SettingsConfigDict(env_prefix="WALLSCAN_", env_ignore_empty=True)
    url: str | None = None
    api_key: SecretStr | None = None
    data_dir: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "wallscan")


def is_private() -> bool:
    """Whether commands use a private stack, which works for as long as one of them runs."""
    return ClientSettings().url is None


@contextmanager
def connected(screen: Screen, *, trainer: bool = False) -> Iterator[Client]:
    """A client of the named server, or of a private stack that runs while the block does.

    `trainer`: the private stack checks and trains models, too. Raises InputError `key_invalid` where a server
    is named without a key that could be one, `request_invalid` where its address cannot be one; LocalError
    where the private stack does not start.
    """
    settings = ClientSettings()
    if settings.url is None:
        with _private(settings.data_dir, screen, trainer=trainer) as client:
            yield client
    elif settings.api_key is None:
        raise InputError(Code.KEY_INVALID, "WALLSCAN_URL is set, but WALLSCAN_API_KEY is not")
    else:
        with Client(settings.url, _plausible(settings.api_key.get_secret_value())) as client:
            yield client


def _plausible(key: str) -> str:
    if not (key.isascii() and key.isprintable()):  # no header takes it, and the refusal would show it
        raise InputError(Code.KEY_INVALID, "WALLSCAN_API_KEY holds characters that are in no key")
    return key


@contextmanager
def _private(data_dir: Path, screen: Screen, *, trainer: bool) -> Iterator[Client]:
    from wallscan.local.stack import Stack  # brings the database and the queue along: only where needed

    screen.say(f"No WALLSCAN_URL: starting a private stack in {data_dir}")
    with Stack(data_dir, trainer=trainer) as stack, Client(stack.url, stack.api_key) as client:
        yield client
