"""The S3 form of the port: Amazon S3, SeaweedFS and everything that speaks their protocol."""

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotoConnectionError

from wallscan.domain.codes import Code
from wallscan.storage.errors import ObjectExists, ObjectMissing, StorageUnavailable
from wallscan.storage.port import ObjectStat, PresignedPut
from wallscan.storage.settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20
_DELETE_BATCH = 1000  # the protocol's limit
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_MISSING = {"404", "NoSuchKey"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}


class S3ObjectStore:
    """An `ObjectStore` on one bucket. Make it after fork, one a process: the client holds connections."""

    def __init__(self, settings: S3Settings) -> None:
        self.bucket = settings.s3_bucket
        self._region = settings.s3_region
        self._client = _client(settings, settings.s3_endpoint_url)
        public = settings.s3_public_endpoint_url
        self._presigner = _client(settings, public) if public else self._client

    def ensure_bucket(self) -> None:
        """Create the bucket unless it is there. Safe to call from many processes at once."""
        with _translated(self.bucket):
            try:
                self._client.head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if _status(error) != 404:
                    raise
                self._create_bucket()

    def _create_bucket(self) -> None:
        # us-east-1 is the protocol's default and must not be named.
        place: Any = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        try:
            self._client.create_bucket(Bucket=self.bucket, **({} if self._region == "us-east-1" else place))
        except self._client.exceptions.BucketAlreadyOwnedByYou:
            return

    def put(self, key: str, data: bytes, content_type: str, *, if_absent: bool = False) -> None:
        """See `ObjectStore.put`."""
        condition: Any = {"IfNoneMatch": "*"} if if_absent else {}
        with _translated(key):
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=data, ContentType=content_type, **condition
            )

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """See `ObjectStore.put_file`."""
        # Not `upload_file`, which wraps a server's refusal into an error that does not say which it was.
        with path.open("rb") as file:
            self.put_stream(key, file, content_type)

    def put_stream(self, key: str, stream: BinaryIO, content_type: str) -> None:
        """See `ObjectStore.put_stream`."""
        with _translated(key):
            self._client.upload_fileobj(stream, self.bucket, key, ExtraArgs={"ContentType": content_type})

    def get(self, key: str) -> bytes:
        """See `ObjectStore.get`."""
        with _translated(key):
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def download(self, key: str, path: Path) -> None:
        """See `ObjectStore.download`. A failed download leaves a partial file: give it a temporary path."""
        with _translated(key), path.open("wb") as file:
            body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                file.write(chunk)

    def stat(self, key: str) -> ObjectStat:
        """See `ObjectStore.stat`."""
        with _translated(key):
            head = self._client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        announced = head.get("ChecksumSHA256")
        sha256 = base64.b64decode(announced).hex() if announced else None
        return ObjectStat(key, head["ContentLength"], head["ETag"].strip('"'), sha256)

    def list(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore.list`."""
        with _translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                yield from (found["Key"] for found in page.get("Contents", []))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        with _translated(key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def delete_many(self, keys: Iterable[str]) -> None:
        """See `ObjectStore.delete_many`."""
        waiting = [{"Key": key} for key in keys]
        for start in range(0, len(waiting), _DELETE_BATCH):
            batch: Any = {"Objects": waiting[start : start + _DELETE_BATCH], "Quiet": True}
            with _translated(waiting[start]["Key"]):
                refused = self._client.delete_objects(Bucket=self.bucket, Delete=batch).get("Errors", [])
            left = [error for error in refused if error.get("Code") not in _MISSING]
            if left:
                raise StorageUnavailable(
                    Code.STORAGE_UNAVAILABLE, f"storage kept {len(left)} objects: {left[0].get('Message')}"
                )

    def presign_get(self, key: str, expires_s: int, file_name: str | None = None) -> str:
        """See `ObjectStore.presign_get`."""
        params = {"Bucket": self.bucket, "Key": key}
        if file_name is not None:
            params["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
        return self._presigner.generate_presigned_url("get_object", Params=params, ExpiresIn=expires_s)

    def presign_put(
        self, key: str, expires_s: int, *, size_bytes: int, sha256: str, content_type: str
    ) -> PresignedPut:
        """See `ObjectStore.presign_put`. Other bytes are refused with 400, another length with 403."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        params = {
            "Bucket": self.bucket,
            "Key": key,
            "ContentLength": size_bytes,
            "ContentType": content_type,
            "ChecksumSHA256": checksum,
        }
        url = self._presigner.generate_presigned_url("put_object", Params=params, ExpiresIn=expires_s)
        headers = {
            "content-length": str(size_bytes),
            "content-type": content_type,
            "x-amz-checksum-sha256": checksum,
        }
        return PresignedPut(url, headers)


def _client(settings: S3Settings, endpoint_url: str | None) -> "S3Client":
    secret = settings.aws_secret_access_key
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            connect_timeout=2,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=32,
            signature_version="s3v4",
            # Bucket names in the host need DNS that a private server does not have.
            s3={"addressing_style": "path" if endpoint_url else "auto"},
            # The environment's proxy is for the network; it does not reach this machine's own servers.
            proxies={} if urlsplit(endpoint_url or "").hostname in _LOOPBACK else None,
        ),
    )


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Turn boto's errors into the port's. What is left (a wrong secret, a bad call) is a fault of setup."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise ObjectMissing(key) from error
        if code in _TAKEN:
            raise ObjectExists(key) from error
        if _status(error) >= 500 or code in {"NoSuchBucket", "SlowDown"}:
            raise StorageUnavailable(Code.STORAGE_UNAVAILABLE, f"storage answered {code}") from error
        raise
    except (BotoConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise StorageUnavailable(Code.STORAGE_UNAVAILABLE, "storage does not answer") from error
