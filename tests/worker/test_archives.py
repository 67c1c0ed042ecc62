import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select, text, update

from tests.photos import zips
from tests.photos.corpus import bad_archives
from tests.photos.pictures import encode, wall
from tests.records.given import given_inspection
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import MAX_ATTEMPTS, ArchiveState, PhotoState
from wallscan.records import archive_claims, arrivals, inspections, intake
from wallscan.records.archive_claims import ArchiveClaim
from wallscan.records.intake import Candidate
from wallscan.records.session import transaction
from wallscan.records.tables import Archive, Photo, Wall
from wallscan.storage import ObjectStore, StorageUnavailable, keys
from worker import archives
from worker.archives import unpack_archive
from worker.resources import Resources


def given_archive(engine: Engine, store: ObjectStore, data: bytes) -> uuid.UUID:
    inspection_id, _ = given_inspection(engine)
    return given_another(engine, store, data, inspection_id)


def given_another(engine: Engine, store: ObjectStore, data: bytes, inspection_id: uuid.UUID) -> uuid.UUID:
    archive_id = uuid.uuid4()
    store.put(keys.archive(archive_id), data, "application/zip")
    row = Archive(
        id=archive_id, inspection_id=inspection_id, file_name="a.zip", state=ArchiveState.QUEUED, attempt=0
    )
    with transaction(engine) as session:
        session.add(row)
    return archive_id


def read(engine: Engine, archive_id: uuid.UUID) -> Archive:
    with transaction(engine) as session:
        archive = session.get(Archive, archive_id)
        assert archive is not None
        return archive


def photos_of(engine: Engine, archive_id: uuid.UUID) -> dict[str, Photo]:
    with transaction(engine) as session:
        rows = session.scalars(select(Photo).where(Photo.archive_id == archive_id))
        return {photo.path: photo for photo in rows}


def stored_bytes(store: ObjectStore, photo: Photo) -> bytes:
    return store.get(keys.photo(photo.inspection_id, photo.duplicate_of_id or photo.id))


def test_entries_become_photos_of_walls(engine, store, resources):
    files = {
        "north/1.jpg": encode(wall(seed=1)),
        "süd/2.png": encode(wall(seed=2), "PNG"),
        "3.jpg": encode(wall(seed=3)),
    }
    archive_id = given_archive(engine, store, zips.make(files | {"__MACOSX/._1.jpg": b"x", "north/": b""}))
    unpack_archive(resources, archive_id)
    archive = read(engine, archive_id)
    assert (archive.state, archive.entries_total, archive.entries_done) == (ArchiveState.SUCCEEDED, 5, 5)
    assert archive.ignored_entries == 2
    photos = photos_of(engine, archive_id)
    assert {path: stored_bytes(store, photo) for path, photo in photos.items()} == files
    assert {photo.state for photo in photos.values()} == {PhotoState.STORED}
    with transaction(engine) as session:
        names = {row.id: row.name for row in session.execute(select(Wall.id, Wall.name))}
    assert {path: names[photo.wall_id] for path, photo in photos.items() if photo.wall_id} == {
        "north/1.jpg": "north",
        "süd/2.png": "süd",
        "3.jpg": "unsorted",
    }


@pytest.mark.parametrize("fault", bad_archives())
def test_hostile_archives_lose_nothing_good(engine, store, resources, fault):
    bad = bad_archives()[fault]
    archive_id = given_archive(engine, store, bad.data)
    unpack_archive(resources, archive_id)
    archive = read(engine, archive_id)
    photos = photos_of(engine, archive_id).values()
    assert archive.code == (bad.code and bad.code.value)
    assert archive.state is (ArchiveState.FAILED if bad.code else ArchiveState.SUCCEEDED)
    if bad.code is None:
        assert {photo.path for photo in photos if photo.state is PhotoState.STORED} == set(bad.photos)
        rejected = [photo.code for photo in photos if photo.state is PhotoState.REJECTED]
        assert rejected == [code.value for code in bad.rejected.values()]
        assert archive.entries_done == archive.entries_total


def test_a_truncated_photo_is_refused_at_the_door(engine, store, resources):
    photo = encode(wall(640, 480))
    archive_id = given_archive(engine, store, zips.make({"a/cut.jpg": photo[:900], "a/whole.jpg": photo}))
    unpack_archive(resources, archive_id)
    photos = photos_of(engine, archive_id)
    assert photos["a/cut.jpg"].code == Code.PHOTO_TRUNCATED
    assert photos["a/whole.jpg"].state is PhotoState.STORED


def test_the_same_bytes_are_kept_once(engine, store, resources):
    photo = encode(wall())
    archive_id = given_archive(engine, store, zips.make({"a/1.jpg": photo, "b/1.jpg": photo}))
    unpack_archive(resources, archive_id)
    photos = photos_of(engine, archive_id)
    assert photos["b/1.jpg"].duplicate_of_id == photos["a/1.jpg"].id
    assert photos["b/1.jpg"].state is PhotoState.STORED
    assert len(list(store.list("photos/"))) == 1


def test_an_entry_at_a_taken_path_is_listed_under_a_name_of_its_own(engine, store, resources):
    first = given_archive(engine, store, zips.make({"a/1.jpg": encode(wall(seed=1))}))
    unpack_archive(resources, first)
    inspection_id = read(engine, first).inspection_id
    second = given_another(engine, store, zips.make({"a/1.jpg": encode(wall(seed=2))}), inspection_id)
    unpack_archive(resources, second)
    assert [(photo.code, photo.path) for photo in photos_of(engine, second).values()] == [
        (Code.PATH_CONFLICT, f"a/1.jpg ({second.hex[:8]})")
    ]
    assert photos_of(engine, first)["a/1.jpg"].state is PhotoState.STORED


class BusyStore:
    """Storage; something else happens while it takes the first photo."""

    def __init__(self, inner: ObjectStore, meanwhile: Callable[[], object]) -> None:
        self._inner, self._waiting = inner, [meanwhile]

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def put(self, *args, **kwargs) -> None:
        if self._waiting:
            self._waiting.pop()()
        self._inner.put(*args, **kwargs)


def test_an_entry_whose_path_is_given_away_while_it_is_stored_is_listed_too(engine, store, resources):
    photo = encode(wall())
    archive_id = given_archive(engine, store, zips.make({"a/1.jpg": photo, "a/2.jpg": encode(wall(seed=2))}))
    inspection_id = read(engine, archive_id).inspection_id

    def give_away() -> None:
        with transaction(engine) as session:
            arrivals.settle(session, inspection_id, arrivals.awaited(session, inspection_id), frozenset())
            intake.place(session, inspection_id, [Candidate("a/1.jpg", "a", 7, "c" * 64)])

    unpack_archive(replace(resources, store=BusyStore(store, give_away)), archive_id)
    photos = photos_of(engine, archive_id)
    assert {path: row.code or row.state for path, row in photos.items()} == {
        f"a/1.jpg ({archive_id.hex[:8]})": Code.PATH_CONFLICT,
        "a/2.jpg": PhotoState.STORED,
    }
    assert read(engine, archive_id).state is ArchiveState.SUCCEEDED


def test_who_waits_for_the_inspection_does_not_hold_the_archive(engine, store, resources):
    """Its heartbeat and the sweeper go on meanwhile."""
    archive_id = given_archive(engine, store, zips.make({"a/1.jpg": encode(wall())}))
    inspection_id = read(engine, archive_id).inspection_id
    with ThreadPoolExecutor(1) as pool:
        with transaction(engine) as session:
            busy = BusyStore(store, lambda: inspections.lock(session, inspection_id))
            unpacking = pool.submit(unpack_archive, replace(resources, store=busy), archive_id)
            wait_until_blocked(engine)
            with transaction(engine) as other:
                other.execute(text("SET LOCAL lock_timeout = '1s'"))
                assert archive_claims.extend(other, ArchiveClaim(archive_id, inspection_id, 1), 60)
                archive_claims.requeue_expired(other)
        unpacking.result()
    assert read(engine, archive_id).state is ArchiveState.SUCCEEDED


def wait_until_blocked(engine: Engine) -> None:
    deadline = time.monotonic() + 60
    with engine.connect() as connection:
        while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert time.monotonic() < deadline, "nobody came to wait"
            time.sleep(0.01)


def test_an_archive_that_never_arrived(engine, store, resources):
    archive_id = given_archive(engine, store, b"")
    store.delete(keys.archive(archive_id))
    unpack_archive(resources, archive_id)
    assert read(engine, archive_id).code == Code.ARCHIVE_NOT_UPLOADED


class DyingStore:
    """Storage whose caller fails after a number of photos."""

    def __init__(self, inner: ObjectStore, puts: int, error: BaseException) -> None:
        self._inner, self._puts, self._error = inner, puts, error

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def put(self, *args, **kwargs) -> None:
        if self._puts == 0:
            raise self._error
        self._puts -= 1
        self._inner.put(*args, **kwargs)


@pytest.mark.parametrize("batch", [1, 2, 50])
def test_a_second_pass_after_a_death_completes_the_first(engine, store, resources, monkeypatch, batch):
    monkeypatch.setattr(archives, "_BATCH_ENTRIES", batch)
    files = {f"a/{seed}.jpg": encode(wall(seed=seed)) for seed in range(6)}
    files["b/again.jpg"] = files["a/0.jpg"]
    archive_id = given_archive(engine, store, zips.make(files | {"a/x.txt": b"notes"}))
    with pytest.raises(KeyboardInterrupt):
        unpack_archive(replace(resources, store=DyingStore(store, 3, KeyboardInterrupt())), archive_id)
    assert read(engine, archive_id).state is ArchiveState.RUNNING
    with transaction(engine) as session:
        session.execute(update(Archive).values(lease_until=func.now() - func.make_interval(0, 0, 0, 0, 1)))
    unpack_archive(resources, archive_id)
    archive = read(engine, archive_id)
    assert (archive.state, archive.attempt, archive.entries_done) == (ArchiveState.SUCCEEDED, 2, 8)
    photos = photos_of(engine, archive_id)
    assert photos.pop("a/x.txt").code == Code.PHOTO_NOT_AN_IMAGE
    assert {path: stored_bytes(store, photo) for path, photo in photos.items()} == files
    assert {photo.state for photo in photos.values()} == {PhotoState.STORED}


def test_progress_shows_after_every_batch(engine, store, resources, monkeypatch):
    monkeypatch.setattr(archives, "_BATCH_ENTRIES", 2)
    files = {f"a/{seed}.jpg": encode(wall(seed=seed)) for seed in range(5)}
    archive_id = given_archive(engine, store, zips.make(files))
    unavailable = StorageUnavailable(Code.STORAGE_UNAVAILABLE, "away")
    unpack_archive(replace(resources, store=DyingStore(store, 4, unavailable)), archive_id)
    archive = read(engine, archive_id)
    assert (archive.entries_total, archive.entries_done) == (5, 4)
    assert (archive.state, archive.attempt) == (ArchiveState.QUEUED, 0)


def test_what_fails_every_time_is_failed_in_the_end(engine, store, resources):
    archive_id = given_archive(engine, store, zips.make({"a/1.jpg": encode(wall())}))
    failing: Resources = replace(resources, store=DyingStore(store, 0, RuntimeError()))
    for _ in range(MAX_ATTEMPTS):
        unpack_archive(failing, archive_id)
    archive = read(engine, archive_id)
    assert (archive.state, archive.code) == (ArchiveState.FAILED, Code.INTERNAL_ERROR)
    assert archive.detail == "unexpected RuntimeError"


def test_a_second_message_changes_nothing(engine, store, resources):
    archive_id = given_archive(engine, store, zips.make({"a/1.jpg": encode(wall())}))
    unpack_archive(resources, archive_id)
    unpack_archive(resources, archive_id)
    assert read(engine, archive_id).attempt == 1
    assert len(photos_of(engine, archive_id)) == 1
