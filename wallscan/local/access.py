"""The key that a stack hands to whoever started it."""

from sqlalchemy.orm import Session

from wallscan.domain.errors import WallscanError
from wallscan.local.data import DataFolder
from wallscan.records import keys
from wallscan.records.session import make_engine, transaction

_SCOPES = ("read", "write", "admin")


def own_key(data: DataFolder, database_url: str) -> str:
    """The key of the last time, or a new one where the database does not know that: it may be another one."""
    engine = make_engine(database_url)
    try:
        with transaction(engine) as session:
            kept = data.secrets.api_key
            if kept and _is_valid(session, kept):
                return kept
            made = keys.issue(session, "local", _SCOPES)
    finally:
        engine.dispose()
    data.keep_api_key(made)
    return made


def _is_valid(session: Session, key: str) -> bool:
    try:
        keys.authenticate(session, key)
    except WallscanError:
        return False
    return True
