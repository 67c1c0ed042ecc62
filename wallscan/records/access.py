"""Tables of access: API keys and remembered answers to repeated requests."""

import datetime as dt
import uuid

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, LargeBinary, SmallInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from wallscan.records.tables import Base, new_id, now_default


class Key(Base):
    """An API key: only the hash of its secret is kept. `site_ids` null means every site."""

    __tablename__ = "keys"
    id: Mapped[uuid.UUID] = new_id()
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)  # public part, finds the row
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[list[str]]
    site_ids: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid))
    created_at: Mapped[dt.datetime] = now_default()
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    __table_args__ = (
        CheckConstraint("scopes <@ ARRAY['read', 'write', 'admin']", name="scopes"),
        CheckConstraint("octet_length(secret_sha256) = 32", name="secret_is_hashed"),
    )


class RememberedAnswer(Base):
    """The answer given to a POST with an `Idempotency-Key`, given again when it is repeated."""

    __tablename__ = "remembered_answers"
    key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None] = mapped_column(SmallInteger)  # null while the first request is under way
    headers: Mapped[list[str]] = mapped_column(default=list)  # name, value, name, value ...
    body: Mapped[bytes | None]
    alive_until: Mapped[dt.datetime | None]  # the first request's lease, extended while it is under way
    created_at: Mapped[dt.datetime] = now_default()
