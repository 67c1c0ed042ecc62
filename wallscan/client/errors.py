"""What can go wrong on this side of the wire."""

from typing import TypeVar

from pydantic import ValidationError

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.wire.common import Body

B = TypeVar("B", bound=Body)


class ApiError(Exception):
    """Raised when the server refuses a request.

    `code` is the server's stable code, kept as text: a newer server may have codes unknown here.
    `status` is the HTTP status; from 400 to 499 the request is at fault, from 500 on the server.
    """

    def __init__(self, code: str, detail: str, status: int) -> None:
        super().__init__(f"{detail} [{code}]")
        self.code = code
        self.detail = detail
        self.status = status


class UnreachableError(WallscanError):
    """Raised when no server answers at the address, after several tries, or one that is not ours."""


class FileError(WallscanError):
    """Raised when a local file cannot be read, or is no longer what it was when it was announced."""


class OutputError(WallscanError):
    """Raised when a report cannot be written where it should go."""


class ScratchError(WallscanError):
    """Raised when what a command needs for itself, such as a temporary folder, is full or closed."""


class InputError(WallscanError):
    """Raised when a command is given something that it cannot use."""


class SourceError(WallscanError):
    """Raised when a model cannot be had from where it is said to be."""


def asked(kind: type[B], **fields: object) -> B:
    """A request's body of what a command was given. Raises InputError `request_invalid`."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][0]) if first["loc"] else "the request"
        raise InputError(Code.REQUEST_INVALID, f"{place}: {first['msg']}") from error
