"""What can go wrong with an object, whatever back end holds it."""

from wallscan.domain.codes import Code
from wallscan.domain.errors import UnavailableError, WallscanError


class ObjectMissing(WallscanError):  # noqa: N818 - named for the fact, like KeyboardInterrupt
    """Raised when storage holds no object under a key."""

    def __init__(self, key: str) -> None:
        super().__init__(Code.OBJECT_MISSING, f"storage holds no object {key}")
        self.key = key

    def __reduce__(self) -> tuple[type["ObjectMissing"], tuple[str]]:  # type: ignore[override]
        """Survive pickling: the key alone rebuilds it."""
        return type(self), (self.key,)


class ObjectExists(WallscanError):  # noqa: N818 - named for the fact, like KeyboardInterrupt
    """Raised by `put(..., if_absent=True)` when the key is taken; the object there is left as it is."""

    def __init__(self, key: str) -> None:
        super().__init__(Code.OBJECT_EXISTS, f"storage already holds an object {key}")
        self.key = key

    def __reduce__(self) -> tuple[type["ObjectExists"], tuple[str]]:  # type: ignore[override]
        """Survive pickling: the key alone rebuilds it."""
        return type(self), (self.key,)


class StorageUnavailable(UnavailableError):  # noqa: N818 - named for the fact, like KeyboardInterrupt
    """Raised when storage cannot be reached or answers with a fault of its own (5xx)."""
