"""Model versions: announced, found, registered. Which one serves is decided in `records.activations`."""

import re
import uuid
from typing import Any

from sqlalchemy import Select, Text, and_, cast, false, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, WallscanError
from wallscan.domain.lifecycle import ModelState
from wallscan.models.manifest import Manifest, bundle_digest
from wallscan.records.inspections import After
from wallscan.records.model_tables import ModelVersion
from wallscan.wire.models import Model

_DIGEST = re.compile(r"[0-9a-fA-F]{8,64}")
"""All of a digest, or its beginning: 12 digits are shown to people."""


def announce(session: Session, name: str, digest: str, manifest: dict[str, Any]) -> Model:
    """The model of this digest: made as `expected`, or the one already there.

    A rejected one becomes `expected` again, so that its files can be handed in once more. Raises
    BundleError `bundle_base_missing` where it completes a model that is not here.
    """
    base_id = _base_id(session, manifest.get("delta_of"))
    statement = insert(ModelVersion).values(name=name, digest=digest, manifest=manifest, base_id=base_id)
    session.execute(statement.on_conflict_do_nothing(index_elements=[ModelVersion.digest]))
    session.execute(
        update(ModelVersion)
        .where(ModelVersion.digest == digest, ModelVersion.state == ModelState.REJECTED)
        .values(state=ModelState.EXPECTED, code=None, detail=None)
    )
    return _body(session.scalars(select(ModelVersion).where(ModelVersion.digest == digest)).one())


def register(session: Session, manifest: Manifest) -> Model:
    """The version of a bundle that is in storage and was checked by who made it: ready at once.

    Raises BundleError `bundle_base_missing` where it completes a model that is not here.
    """
    digest = bundle_digest(manifest)
    made = announce(session, manifest.name, digest, manifest.model_dump(mode="json"))
    # Every column is said: a check may have ended since the row was read.
    ready_at_once = (
        update(ModelVersion)
        .where(ModelVersion.id == made.id)
        .values(state=ModelState.READY, code=None, detail=None, lease_until=None)
        .returning(ModelVersion)
    )
    return _body(session.scalars(ready_at_once, execution_options={"populate_existing": True}).one())


def get(session: Session, model_id: uuid.UUID) -> Model:
    """One model version. Raises WallscanError `model_unknown`."""
    return _body(_row(session, select(ModelVersion).where(ModelVersion.id == model_id), str(model_id)))


def page(session: Session, after: After | None, limit: int) -> list[Model]:
    """Up to `limit` model versions, newest first."""
    statement = select(ModelVersion)
    if after is not None:
        statement = statement.where(tuple_(ModelVersion.created_at, ModelVersion.id) < after)
    newest = statement.order_by(ModelVersion.created_at.desc(), ModelVersion.id.desc())
    return [_body(row) for row in session.scalars(newest.limit(limit))]


def resolve(session: Session, wanted: str | None) -> Model:
    """The model for a run: by id, name (its newest ready one), digest or the digest's first 8 digits or more.

    None is the active one. Raises WallscanError `model_unknown`, or `model_not_ready` (also where none is
    active).
    """
    if wanted is None:
        active = session.scalar(select(ModelVersion).where(ModelVersion.active))
        if active is None:
            raise WallscanError(Code.MODEL_NOT_READY, "no model is active yet")
        return _body(active)
    named = or_(
        cast(ModelVersion.id, Text) == wanted.lower(),
        ModelVersion.digest.startswith(wanted.lower()) if _DIGEST.fullmatch(wanted) else false(),
        ModelVersion.name == wanted,
    )
    ready_first = (ModelVersion.state == ModelState.READY).desc()
    best = select(ModelVersion).where(named).order_by(ready_first, ModelVersion.created_at.desc()).limit(1)
    found = _row(session, best, wanted)
    _require_ready(found)
    return _body(found)


def base_manifest(session: Session, model_id: uuid.UUID) -> dict[str, Any] | None:
    """The manifest of the whole bundle that a delta completes; None for one that is whole itself."""
    model, base = aliased(ModelVersion), aliased(ModelVersion)
    return session.scalar(
        select(base.manifest).join(model, model.base_id == base.id).where(model.id == model_id)
    )


def ready(session: Session, model_id: uuid.UUID) -> ModelVersion:
    """The row of a model that may serve. Raises WallscanError `model_unknown` or `model_not_ready`."""
    row = _row(session, select(ModelVersion).where(ModelVersion.id == model_id), str(model_id))
    _require_ready(row)
    return row


def _base_id(session: Session, base: dict[str, Any] | None) -> uuid.UUID | None:
    if base is None:
        return None
    whole = and_(ModelVersion.base_id.is_(None), ModelVersion.state == ModelState.READY)
    found = session.scalar(select(ModelVersion.id).where(ModelVersion.digest == base["digest"], whole))
    if found is None:
        raise BundleError(
            Code.BUNDLE_BASE_MISSING,
            f"it completes the model {base['name']} {base['digest'][:12]}, which is not here and ready: "
            "add that one first",
        )
    return found


def _row(session: Session, statement: Select[ModelVersion], wanted: str) -> ModelVersion:
    found = session.scalar(statement)
    if found is None:
        raise WallscanError(Code.MODEL_UNKNOWN, f"there is no model {wanted[:80]!r}")
    return found


def _require_ready(row: ModelVersion) -> None:
    if row.state is not ModelState.READY:
        raise WallscanError(Code.MODEL_NOT_READY, f"the model {row.name} is {row.state}, not ready")


def _body(row: ModelVersion) -> Model:
    return Model.model_validate(row, from_attributes=True)
