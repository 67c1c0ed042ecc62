"""Where a client puts bytes: an address of storage that takes the announced bytes alone, for a while."""

import datetime as dt

from api.bootstrap import Services
from wallscan.wire.uploads import UploadTarget


def upload_target(
    services: Services, key: str, *, size_bytes: int, sha256: str, content_type: str
) -> UploadTarget:
    """The address and headers of one PUT to `key`; `sha256` is hex."""
    expires_s = services.settings.api.upload_expires_s
    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=expires_s)
    put = services.store.presign_put(
        key, expires_s, size_bytes=size_bytes, sha256=sha256, content_type=content_type
    )
    return UploadTarget(url=put.url, headers=dict(put.headers), expires_at=expires_at)
