import uuid

import pytest
from sqlalchemy import event, select, update

from tests.records.test_intake import A, B, candidate, states
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import PhotoState
from wallscan.records import arrivals
from wallscan.records.session import transaction
from wallscan.records.tables import Photo


def links(engine):
    """Of every path, the path that it is a link to."""
    with transaction(engine) as session:
        rows = session.execute(select(Photo.id, Photo.path, Photo.duplicate_of_id)).all()
    paths = {row.id: row.path for row in rows}
    return {row.path: paths.get(row.duplicate_of_id) for row in rows}


def test_a_link_follows_its_original(engine, inspection, place):
    original, link = place(candidate("n/a.jpg"), candidate("s/a.jpg"))
    assert (original.awaits_bytes, link.awaits_bytes) == (True, True)
    assert link.original_id == original.photo_id
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [original.photo_id])
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
        waited = arrivals.awaited(session, inspection)
    assert waited == {kept.photo_id, lost.photo_id}
    place(candidate("later.jpg", "c" * 64, wall="n"))
    with transaction(engine) as session:
        arrivals.settle(session, inspection, waited, frozenset({kept.photo_id, uuid.uuid4()}))
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
        arrivals.settle(session, inspection, arrivals.awaited(session, inspection), frozenset())
    assert set(states(engine).values()) == {Code.PHOTO_NOT_UPLOADED}
    return placed


def test_what_was_given_up_is_taken_back_when_its_bytes_come(engine, inspection, given_up):
    """A form or an archive was still storing them when somebody submitted a run."""
    first, _, _ = given_up
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [first.photo_id])
    assert states(engine) == {"n/a.jpg": "stored", "s/a.jpg": "stored", "n/b.jpg": Code.PHOTO_NOT_UPLOADED}
    with transaction(engine) as session:
        link = session.scalars(select(Photo).where(Photo.path == "s/a.jpg")).one()
    assert (link.duplicate_of_id, link.detail) == (first.photo_id, None)


def test_the_next_run_finds_what_came_after_the_last(engine, inspection, given_up):
    last = given_up[-1]
    with transaction(engine) as session:
        waited = arrivals.awaited(session, inspection)
        arrivals.settle(session, inspection, waited, frozenset({last.photo_id}))
    assert states(engine)["n/b.jpg"] == "stored"


def test_what_comes_late_is_a_link_where_the_same_bytes_came_meanwhile(engine, inspection, place, given_up):
    first, _, _ = given_up
    (other,) = place(candidate("w/a.jpg"))
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [other.photo_id])
        arrivals.arrived(session, inspection, [first.photo_id])
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
        arrivals.arrived(session, inspection, [first.photo_id])
    assert states(engine)["n/a.jpg"] == "expected"


def test_an_announced_photo_may_never_come_so_nothing_is_linked_to_it(engine, inspection, place, given_up):
    """The same bytes are announced under another path while the first are still being stored."""
    first, _, _ = given_up
    place(candidate("w/a.jpg"))
    with transaction(engine) as session:
        waited = arrivals.awaited(session, inspection)
        arrivals.settle(session, inspection, waited, frozenset({first.photo_id}))
    assert states(engine) == {
        "n/a.jpg": "stored",
        "s/a.jpg": "stored",
        "w/a.jpg": "stored",
        "n/b.jpg": Code.PHOTO_NOT_UPLOADED,
    }
    assert links(engine) == {"n/a.jpg": None, "s/a.jpg": "n/a.jpg", "w/a.jpg": "n/a.jpg", "n/b.jpg": None}


def test_what_became_a_link_while_its_bytes_were_stored_is_the_original(engine, inspection, place, given_up):
    first, _, _ = given_up
    place(candidate("w/a.jpg"))
    (again,) = place(candidate("n/a.jpg"))
    assert (again.outcome, again.photo_id) == ("duplicate", first.photo_id)
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [first.photo_id])
    assert links(engine) == {"n/a.jpg": None, "s/a.jpg": "n/a.jpg", "w/a.jpg": "n/a.jpg", "n/b.jpg": None}
    assert states(engine)["w/a.jpg"] == "stored"


def test_every_path_has_what_came_under_another(engine, inspection, place, given_up):
    (other,) = place(candidate("w/a.jpg"))
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [other.photo_id])
    assert links(engine) == {"w/a.jpg": None, "n/a.jpg": "w/a.jpg", "s/a.jpg": "w/a.jpg", "n/b.jpg": None}
    assert states(engine)["n/a.jpg"] == "stored"


def test_what_was_stored_meanwhile_stays_the_original(engine, inspection, place, given_up):
    first, _, _ = given_up
    (other,) = place(candidate("w/a.jpg"))
    with transaction(engine) as session:
        session.execute(update(Photo).where(Photo.id == other.photo_id).values(state=PhotoState.STORED))
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [first.photo_id])
    assert links(engine) == {"w/a.jpg": None, "n/a.jpg": "w/a.jpg", "s/a.jpg": "w/a.jpg", "n/b.jpg": None}
    assert {states(engine)[path] for path in ("n/a.jpg", "s/a.jpg", "w/a.jpg")} == {"stored"}


def test_many_are_taken_back_in_a_few_statements(engine, inspection, place):
    placed = place(*(candidate(f"n/{number}.jpg", f"{number:064x}") for number in range(2000)))
    with transaction(engine) as session:
        arrivals.settle(session, inspection, arrivals.awaited(session, inspection), frozenset())
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [one.photo_id for one in placed])
    assert len(statements) == 5
    assert set(states(engine).values()) == {PhotoState.STORED}


def test_what_lost_its_path_meanwhile_is_refused(engine, inspection, place, given_up):
    first, copy, kept = given_up
    place(candidate("n/a.jpg", "c" * 64))
    with transaction(engine) as session:
        arrivals.arrived(session, inspection, [first.photo_id, kept.photo_id])
        found = arrivals.stored_or_refused(session, inspection, [first, copy, kept])
    assert [one.refusal and one.refusal.code for one in found] == [
        Code.PATH_CONFLICT,
        Code.PHOTO_NOT_UPLOADED,
        None,
    ]
    assert [one.photo_id for one in found] == [None, copy.photo_id, kept.photo_id]
    assert found[2] == kept
