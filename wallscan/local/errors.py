"""What can stop a stack from starting. The codes say which: missing binary, busy folder, failed start."""

from wallscan.domain.errors import WallscanError


class LocalError(WallscanError):
    """Raised when the stack cannot be started on this machine, with what to do about it."""
