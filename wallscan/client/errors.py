"""What can go wrong on this side of the wire."""

from wallscan.domain.errors import WallscanError


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
    """Raised when no server answers at the address, after several tries."""


class FileError(WallscanError):
    """Raised when a local file cannot be read, or is no longer what it was when it was announced."""


class OutputError(WallscanError):
    """Raised when a report cannot be written where it should go."""


class InputError(WallscanError):
    """Raised when a command is given something that it cannot use."""


class SourceError(WallscanError):
    """Raised when a model cannot be had from where it is said to be."""
