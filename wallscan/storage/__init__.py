"""Object storage: one narrow port, its S3 form, and the only place that spells object keys."""

from wallscan.storage import keys
from wallscan.storage.errors import ObjectExists, ObjectMissing, StorageUnavailable
from wallscan.storage.port import ObjectStat, ObjectStore, PresignedPut
from wallscan.storage.s3 import S3ObjectStore
from wallscan.storage.settings import S3Settings

__all__ = [
    "ObjectExists",
    "ObjectMissing",
    "ObjectStat",
    "ObjectStore",
    "PresignedPut",
    "S3ObjectStore",
    "S3Settings",
    "StorageUnavailable",
    "keys",
]
