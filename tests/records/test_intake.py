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
