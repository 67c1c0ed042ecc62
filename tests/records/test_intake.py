import threading
import uuid

import pytest
from sqlalchemy import select

from tests.records.given import given_inspection
from wallscan.domain.codes import Code
from wallscan.domain.errors import WallscanError
from wallscan.domain.lifecycle import PhotoState
from wallscan.records import intake
from wallscan.records.intake import Candidate, Refusal
from wallscan.records.session import transaction
from wallscan.records.tables import Photo, Wall

A, B = "a" * 64, "b" * 64
EMPTY = Refusal(Code.PHOTO_EMPTY, "the file is empty")


@pytest.fixture
def inspection(engine):
    return given_inspection(engine)[0]


@pytest.fixture
def place(engine, inspection):
    def placed(*candidates):
        with transaction(engine) as session:
            return intake.place(session, inspection, candidates)

    return placed


def candidate(path, sha256=A, **more):
    return Candidate(path, more.pop("wall", path.split("/")[0]), 7, sha256, **more)


def states(engine):
    with transaction(engine) as session:
        rows = session.execute(select(Photo.path, Photo.state, Photo.code))
        return {row.path: row.code or row.state for row in rows}


def test_walls_are_made_once(engine, place):
    place(candidate("north/a.jpg"), candidate("south/b.jpg", B))
    with transaction(engine) as session:
        assert sorted(session.scalars(select(Wall.name))) == ["north", "south"]


def test_a_link_follows_its_original(engine, inspection, place):
    original, link = place(candidate("n/a.jpg"), candidate("s/a.jpg"))
    assert (original.awaits_bytes, link.awaits_bytes) == (True, True)
    assert link.original_id == original.photo_id
    with transaction(engine) as session:
        intake.arrived(session, inspection, [original.photo_id])
    assert states(engine) == {"n/a.jpg": "stored", "s/a.jpg": "stored"}
    (late,) = place(candidate("w/a.jpg"))
    assert (late.outcome, late.awaits_bytes) == ("duplicate", False)


def test_what_did_not_arrive_takes_its_links_along(engine, inspection, place):
    kept, _, lost, _ = place(
        candidate("a.jpg", wall="n"),
        candidate("a2.jpg", wall="n"),
        candidate("b.jpg", B, wall="n"),
        candidate("b2.jpg", B, wall="n"),
    )
    with transaction(engine) as session:
        waited = intake.awaited(session, inspection)
    assert waited == {kept.photo_id, lost.photo_id}
    place(candidate("later.jpg", "c" * 64, wall="n"))
    with transaction(engine) as session:
        intake.settle(session, inspection, waited, frozenset({kept.photo_id, uuid.uuid4()}))
    assert states(engine) == {
        "a.jpg": "stored",
        "a2.jpg": "stored",
        "b.jpg": Code.PHOTO_NOT_UPLOADED,
        "b2.jpg": Code.PHOTO_NOT_UPLOADED,
        "later.jpg": "expected",
    }


@pytest.fixture
def given_up(engine, inspection, place):
    """Photos of the bytes A and B, each with a link, that were given up as not uploaded."""
    placed = place(candidate("n/a.jpg"), candidate("s/a.jpg"), candidate("n/b.jpg", B))
    with transaction(engine) as session:
        intake.settle(session, inspection, intake.awaited(session, inspection), frozenset())
    assert set(states(engine).values()) == {Code.PHOTO_NOT_UPLOADED}
    return placed


def test_what_was_given_up_is_taken_back_when_its_bytes_come(engine, inspection, given_up):
    """A form or an archive was still storing them when somebody submitted a run."""
    first, _, _ = given_up
    with transaction(engine) as session:
        intake.arrived(session, inspection, [first.photo_id])
    assert states(engine) == {"n/a.jpg": "stored", "s/a.jpg": "stored", "n/b.jpg": Code.PHOTO_NOT_UPLOADED}
    with transaction(engine) as session:
        link = session.scalars(select(Photo).where(Photo.path == "s/a.jpg")).one()
    assert (link.duplicate_of_id, link.detail) == (first.photo_id, None)


def test_the_next_run_finds_what_came_after_the_last(engine, inspection, given_up):
    last = given_up[-1]
    with transaction(engine) as session:
        waited = intake.awaited(session, inspection)
        intake.settle(session, inspection, waited, frozenset({last.photo_id}))
    assert states(engine)["n/b.jpg"] == "stored"


def test_what_comes_late_is_a_link_where_the_same_bytes_came_meanwhile(engine, inspection, place, given_up):
    first, _, _ = given_up
    (other,) = place(candidate("w/a.jpg"))
    with transaction(engine) as session:
        intake.arrived(session, inspection, [other.photo_id])
        intake.arrived(session, inspection, [first.photo_id])
    with transaction(engine) as session:
        rows = session.scalars(select(Photo).where(Photo.sha256 == A)).all()
    assert {row.state for row in rows} == {PhotoState.STORED}
    assert {row.path: row.duplicate_of_id for row in rows} == {
        "w/a.jpg": None,
        "n/a.jpg": other.photo_id,
        "s/a.jpg": other.photo_id,
    }


def test_other_bytes_get_another_id_for_the_old_may_still_come(engine, inspection, place, given_up):
    first, _, _ = given_up
    (other,) = place(candidate("n/a.jpg", "c" * 64))
    assert (other.outcome, other.photo_id == first.photo_id) == ("upload", False)
    with transaction(engine) as session:
        intake.arrived(session, inspection, [first.photo_id])
    assert states(engine)["n/a.jpg"] == "expected"


def test_a_link_to_a_later_row_of_the_same_call(engine, place):
    outcomes = place(
        candidate("n/1.jpg", None, refusal=EMPTY), candidate("n/2.jpg", B), candidate("n/1.jpg", B)
    )
    assert [one.outcome for one in outcomes] == ["rejected", "upload", "duplicate"]
    assert states(engine) == {"n/1.jpg": "expected", "n/2.jpg": "expected"}


def test_a_rejected_photo_gives_its_path_away_and_keeps_its_id(engine, place):
    (refused,) = place(candidate("n/a.jpg", None, refusal=EMPTY))
    (replaced,) = place(candidate("n/a.jpg", B))
    assert (replaced.outcome, replaced.photo_id) == ("upload", refused.photo_id)
    assert states(engine) == {"n/a.jpg": "expected"}


def test_a_rejected_photo_may_become_a_link(engine, place):
    place(candidate("n/a.jpg", None, refusal=EMPTY), candidate("n/b.jpg", B))
    (link,) = place(candidate("n/a.jpg", B))
    assert link.outcome == "duplicate"
    assert states(engine) == {"n/a.jpg": "expected", "n/b.jpg": "expected"}


def test_one_path_twice_in_one_call(engine, place):
    outcomes = place(
        candidate("n/a.jpg"),
        candidate("n/a.jpg"),
        candidate("n/a.jpg", B),
        candidate("n/a.jpg", None, refusal=EMPTY),
    )
    assert [one.outcome for one in outcomes] == ["upload", "upload", "rejected", "rejected"]
    assert [one.refusal.code for one in outcomes[2:]] == [Code.PATH_CONFLICT, Code.PHOTO_EMPTY]
    assert states(engine) == {"n/a.jpg": "expected"}


def test_a_refused_photo_filled_in_the_same_call(engine, place):
    outcomes = place(candidate("n/a.jpg", None, refusal=EMPTY), candidate("n/a.jpg", B))
    assert [one.outcome for one in outcomes] == ["rejected", "upload"]
    assert states(engine) == {"n/a.jpg": "expected"}


def test_a_refused_file_is_no_original(place):
    place(candidate("n/a.jpg", A, refusal=EMPTY))
    assert place(candidate("n/b.jpg", A))[0].outcome == "upload"


def test_other_inspections_do_not_count(engine, place):
    place(candidate("n/a.jpg"))
    other, _ = given_inspection(engine)
    with transaction(engine) as session:
        (outcome,) = intake.place(session, other, [candidate("n/a.jpg")])
    assert outcome.outcome == "upload"


def test_an_unknown_inspection(engine):
    with transaction(engine) as session, pytest.raises(WallscanError) as caught:
        intake.place(session, uuid.uuid4(), [])
    assert caught.value.code is Code.INSPECTION_UNKNOWN


def test_many_at_once_agree_on_one_original(engine, inspection, place):
    outcomes = []

    def hand_in(number):
        outcomes.extend(place(candidate(f"n/{number}.jpg")))

    threads = [threading.Thread(target=hand_in, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.outcome for one in outcomes) == ["duplicate"] * 5 + ["upload"]
    assert len({one.original_id for one in outcomes}) == 1
    with transaction(engine) as session:
        assert set(session.scalars(select(Photo.state))) == {PhotoState.EXPECTED}
