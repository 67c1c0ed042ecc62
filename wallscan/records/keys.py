"""API keys. A key is `wsk_PREFIX_SECRET`: the prefix finds its row, of the secret only a hash is kept."""

import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.records.access import Key
from wallscan.records.sites import SiteIds
from wallscan.records.tables import Site

_MARK = "wsk"
_NO_SECRET = bytes(32)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key may do, and to which sites."""

    key_id: uuid.UUID
    name: str
    scopes: frozenset[str]
    sites: SiteIds


def issue(
    session: Session,
    name: str,
    scopes: Collection[str],
    site_ids: Collection[uuid.UUID] = (),
    expires_at: dt.datetime | None = None,
) -> str:
    """Make a key and return it, this one time; no `site_ids` means every site.

    Raises WallscanError `site_unknown`.
    """
    known = set(session.scalars(select(Site.id).where(Site.id.in_(site_ids))))
    missing = set(site_ids) - known
    if missing:
        raise WallscanError(Code.SITE_UNKNOWN, f"there is no site {missing.pop()}")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    session.add(
        Key(
            name=name,
            prefix=prefix,
            secret_sha256=_hashed(secret),
            scopes=sorted(scopes),
            site_ids=list(site_ids) or None,
            expires_at=expires_at,
        )
    )
    session.flush()
    return f"{_MARK}_{prefix}_{secret}"


def authenticate(session: Session, presented: str) -> Grant:
    """The grant of a presented key. Raises WallscanError `key_invalid`, never saying what is wrong."""
    mark, _, rest = presented.partition("_")
    prefix, _, secret = rest.partition("_")
    key = session.scalar(
        select(Key).where(
            Key.prefix == prefix,
            Key.revoked_at.is_(None),
            or_(Key.expires_at.is_(None), Key.expires_at > func.now()),
        )
    )
    # Compared also where no row was found, so that the time taken does not tell a known prefix.
    matches = hmac.compare_digest(_hashed(secret), key.secret_sha256 if key else _NO_SECRET)
    if key is None or not matches or mark != _MARK:
        raise WallscanError(Code.KEY_INVALID, "the key is not valid")
    sites = None if key.site_ids is None else frozenset(key.site_ids)
    return Grant(key.id, key.name, frozenset(key.scopes), sites)


def listed(session: Session) -> list[Key]:
    """All keys, the oldest first; their secrets are not known."""
    return list(session.scalars(select(Key).order_by(Key.created_at)))


def revoke(session: Session, prefix: str) -> None:
    """End a key for good. Raises WallscanError `key_invalid` where no valid key has this prefix."""
    ended = session.execute(
        update(Key)
        .where(Key.prefix == prefix, Key.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(Key.id)
    )
    if ended.first() is None:
        raise WallscanError(Code.KEY_INVALID, f"there is no valid key with the prefix {prefix!r}")


def _hashed(secret: str) -> bytes:
    """Plain SHA-256 is enough: the secret has 256 random bits, no dictionary holds it."""
    return hashlib.sha256(secret.encode()).digest()
