"""Rows that tests start from."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

from wallscan.domain.lifecycle import ModelState, PhotoState
from wallscan.records import runs
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction
from wallscan.records.tables import Inspection, Photo, Site, Wall
from wallscan.records.tasks import Claim, ItemResult, PhotoFacts, claim
from wallscan.wire.data_report import DataReport

PROMPTS = ("crack", "drywall joint")
LEASE_S = 60.0
FACTS = PhotoFacts("image/jpeg", 4000, 3000, None, "a camera", -5)


@dataclass(frozen=True)
class Order:
    """A submitted run."""

    inspection_id: uuid.UUID
    wall_id: uuid.UUID
    run_id: uuid.UUID
    photo_ids: list[uuid.UUID]


def given_inspection(engine: Engine, name: str = "a visit") -> tuple[uuid.UUID, uuid.UUID]:
    """A site with one wall and one inspection; the ids of the inspection and the wall."""
    site = Site(id=uuid.uuid4(), name=uuid.uuid4().hex)
    wall = Wall(id=uuid.uuid4(), site_id=site.id, name="north")
    inspection = Inspection(id=uuid.uuid4(), site_id=site.id, name=name)
    with transaction(engine) as session:
        for row in (site, wall, inspection):
            session.add(row)
            session.flush()
    return inspection.id, wall.id


def given_photos(
    engine: Engine, inspection_id: uuid.UUID, wall_id: uuid.UUID, count: int, **fields: Any
) -> list[uuid.UUID]:
    rows = [
        Photo(
            **{
                "id": uuid.uuid4(),
                "inspection_id": inspection_id,
                "wall_id": wall_id,
                "path": f"north/{uuid.uuid4().hex}.jpg",
                "state": PhotoState.STORED,
                "sha256": hashlib.sha256(uuid.uuid4().bytes).hexdigest(),
                "size_bytes": 1,
            }
            | fields
        )
        for _ in range(count)
    ]
    with transaction(engine) as session:
        session.add_all(rows)
    return [row.id for row in rows]


def given_model(
    engine: Engine, digest: str | None = None, manifest: dict[str, Any] | None = None, name: str = "a-model"
) -> uuid.UUID:
    model = ModelVersion(
        id=uuid.uuid4(),
        name=name,
        digest=digest or hashlib.sha256(uuid.uuid4().bytes).hexdigest(),
        manifest=manifest or {},
        state=ModelState.READY,
    )
    with transaction(engine) as session:
        session.add(model)
    return model.id


def given_run(engine: Engine, photos: int = 1, prompts: tuple[str, ...] = PROMPTS) -> Order:
    inspection_id, wall_id = given_inspection(engine)
    photo_ids = given_photos(engine, inspection_id, wall_id, photos)
    model_id = given_model(engine)
    with transaction(engine) as session:
        run_id = runs.submit(session, inspection_id, model_id, prompts, {"name": "founding"})
    return Order(inspection_id, wall_id, run_id, photo_ids)


def claimed(engine: Engine, order: Order, place: int = 0, lease_s: float = LEASE_S) -> Claim:
    with transaction(engine) as session:
        taken = claim(session, order.run_id, order.photo_ids[place], "a-worker", lease_s)
    assert taken is not None
    return taken


@contextmanager
def after_update_of(engine: Engine, table: str, meanwhile: Callable[[], object]) -> Iterator[None]:
    """Call `meanwhile` once, right after the first UPDATE of a table by the calling code."""

    waiting = [meanwhile]

    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if waiting and statement.startswith(f"UPDATE {table} "):
            waiting.pop()()

    event.listen(engine, "after_cursor_execute", listen)
    yield
    assert not waiting, f"no UPDATE of {table}"
    event.remove(engine, "after_cursor_execute", listen)


def results(claim: Claim) -> list[ItemResult]:
    return [
        ItemResult(
            prompt_index=index,
            mask_key=f"masks/{claim.attempt}/{index}",
            mask_sha256="0" * 64,
            map_key=f"maps/{claim.attempt}/{index}",
            map_sha256="1" * 64,
            foreground_px=120,
            analysed_px=12_000,
            coverage_pct=1.0,
            presence=0.9,
            mean_probability=0.1,
            max_probability=0.95,
            threshold=0.5,
            components=2,
            largest_component_px=70,
        )
        for index in range(len(claim.prompts))
    ]


def data_report(left_out: int = 0) -> DataReport:
    """Of two photos; with `left_out` files that could not be read, a scaled one and a leak."""
    count = {"data_set": "0/cracks", "format": "voc", "split": "valid", "family": "crack", "photos": 2}
    broken = {"meaning": "it cannot be read", "used": False, "count": left_out, "examples": ["0/a.xml"]}
    scaled = {"meaning": "it was scaled", "used": True, "count": 1, "examples": ["0/b.xml"]}
    leak = {"photos": 2, "any": 0, "source": 0, "looks": 0, "scene": 0, "examples": []}
    if left_out:
        leak |= {"any": 1, "source": 1, "examples": ["a.jpg is of b.jpg"]}
    notes = {"annotation_broken": broken, "scaled": scaled} if left_out else {}
    read = {"photos": 2, "outlines": 5, "left_out": left_out, "counts": [count], "notes": notes}
    return DataReport.model_validate({"data": read, "leaks": {"crack": leak}})
