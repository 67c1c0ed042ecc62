"""The port: what the product asks of object storage, and nothing more."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """Facts of a stored object. `sha256` (hex) is known only where the upload announced it."""

    key: str
    size_bytes: int
    etag: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class PresignedPut:
    """An address that takes one object by HTTP PUT; `headers` are signed and must be sent as they are."""

    url: str
    headers: Mapping[str, str]


class ObjectStore(Protocol):
    """Objects by key. Every method may raise StorageUnavailable; keys come from `storage.keys` alone."""

    def put(self, key: str, data: bytes, content_type: str, *, if_absent: bool = False) -> None:
        """Store bytes, replacing what is there; with `if_absent`, raise ObjectExists instead."""

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a file of any size, replacing what is there."""

    def put_stream(self, key: str, stream: BinaryIO, content_type: str) -> None:
        """Store what a seekable binary stream holds, of any size, replacing what is there."""

    def get(self, key: str) -> bytes:
        """The whole object in memory. Raises ObjectMissing."""

    def download(self, key: str, path: Path) -> None:
        """Stream the object into a file, one mebibyte at a time. Raises ObjectMissing."""

    def stat(self, key: str) -> ObjectStat:
        """Size, etag and announced hash. Raises ObjectMissing."""

    def list(self, prefix: str) -> Iterator[str]:
        """All keys that start with `prefix`, in order."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove many objects, a thousand a request; those that are not there are no error."""

    def presign_get(self, key: str, expires_s: int, file_name: str | None = None) -> str:
        """An address that hands out the object for `expires_s` seconds, saved as `file_name` if given."""

    def presign_put(
        self, key: str, expires_s: int, *, size_bytes: int, sha256: str, content_type: str
    ) -> PresignedPut:
        """An address that takes exactly the bytes of this size and SHA-256 (hex), for `expires_s` seconds."""
