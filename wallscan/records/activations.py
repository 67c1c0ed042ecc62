"""Which model version serves: activated behind the gate, by force or back to the one before, all on record.

Every change holds one lock to its end, so each sees the version that it takes the place of.
"""

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.lifecycle import ActivationKind
from wallscan.records import models
from wallscan.records.model_tables import ModelActivation, ModelVersion
from wallscan.wire.models import Activation

_NEWEST_FIRST = ModelActivation.number.desc()


def lock(session: Session) -> None:
    """Be the only one who changes what serves, to the end of the transaction."""
    # A lock on the table would meet itself coming back: the callers' transactions have written to it before.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("model_versions.active"))))


def active(session: Session) -> ModelVersion | None:
    """The version that serves; it may change at once unless `lock` is held."""
    return session.scalar(select(ModelVersion).where(ModelVersion.active))


def require_active(session: Session, expected_id: uuid.UUID | None) -> None:
    """Raises WallscanError `model_active_changed` where another version serves than the caller believes."""
    now = active(session)
    if expected_id is not None and (now is None or now.id != expected_id):
        serving = "none" if now is None else f"{now.name} {now.digest[:12]}"
        raise WallscanError(Code.MODEL_ACTIVE_CHANGED, f"another version serves by now: {serving}")


def activate(
    session: Session,
    model_id: uuid.UUID,
    kind: ActivationKind,
    *,
    key_name: str | None = None,
    reason: str | None = None,
    comparison_id: uuid.UUID | None = None,
) -> None:
    """Let this version serve the runs that name none, whatever it came to in a comparison.

    One that serves already stays, and nothing is noted. Raises WallscanError `model_unknown` or
    `model_not_ready`.
    """
    lock(session)
    row = models.ready(session, model_id)
    if not row.active:
        latest = session.scalar(select(func.max(ModelActivation.number)))
        _serve(
            session,
            row,
            ModelActivation(
                kind=kind, key_name=key_name, reason=reason, comparison_id=comparison_id, back_to=latest
            ),
        )


def roll_back(
    session: Session, key_name: str, reason: str | None = None, expected_id: uuid.UUID | None = None
) -> uuid.UUID:
    """Let the version serve again that served before the active one; its id. Again: the one before that.

    It was let in once, so it is not compared again. Raises WallscanError `rollback_impossible`,
    `model_not_ready` or `model_active_changed` (see `require_active`).
    """
    lock(session)
    require_active(session, expected_id)
    latest = session.scalars(select(ModelActivation).order_by(_NEWEST_FIRST).limit(1)).first()
    before = session.get(ModelActivation, latest.back_to) if latest and latest.back_to else None
    if before is None:
        raise WallscanError(Code.ROLLBACK_IMPOSSIBLE, "no version served before the active one")
    _serve(
        session,
        models.ready(session, before.model_id),
        ModelActivation(
            kind=ActivationKind.ROLLBACK,
            key_name=key_name,
            reason=reason,
            comparison_id=before.comparison_id,
            back_to=before.back_to,
        ),
    )
    return before.model_id


def history(
    session: Session, limit: int, *, before: int | None = None, model_id: uuid.UUID | None = None
) -> list[Activation]:
    """The latest activations, newest first; below a number, of one model."""
    statement = (
        select(ModelActivation, ModelVersion.name, ModelVersion.digest)
        .join(ModelVersion, ModelVersion.id == ModelActivation.model_id)
        .order_by(_NEWEST_FIRST)
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(ModelActivation.number < before)
    if model_id is not None:
        statement = statement.where(ModelActivation.model_id == model_id)
    return [_body(*row) for row in session.execute(statement)]


def _serve(session: Session, row: ModelVersion, activation: ModelActivation) -> None:
    # One row is active, says a unique index: the old one goes before the new one comes.
    session.execute(update(ModelVersion).where(ModelVersion.active).values(active=False))
    row.active = True
    activation.model_id = row.id
    session.add(activation)
    session.flush()


def _body(activation: ModelActivation, model: str, digest: str) -> Activation:
    return Activation(
        number=activation.number,
        model_id=activation.model_id,
        model=model,
        digest=digest,
        kind=activation.kind,
        key_name=activation.key_name,
        reason=activation.reason,
        comparison_id=activation.comparison_id,
        created_at=activation.created_at,
    )
