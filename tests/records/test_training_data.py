from typing import Any

from sqlalchemy import event

from tests.records.given import data_report
from tests.records.test_trainings import claimed, given_training, let_lease_run_out, read
from wallscan.records import training_claims, trainings
from wallscan.records.session import transaction
from wallscan.wire.data_report import MAX_COUNTS


def test_a_claim_says_what_to_make_of_the_data(engine):
    classes: dict[str, Any] = {"families": {"drywall joint": {}, "crack": {}}}
    told = {"split": "grouped", "classes": classes, "licence": "CC0-1.0", "attribution": ["one", "two"]}
    claim = claimed(engine, given_training(engine, **told))
    assert {name: getattr(claim, name) for name in told} == told
    assert list((claim.classes or {})["families"]) == ["drywall joint", "crack"]
    found = read(engine, given_training(engine))
    assert (found.split, found.classes, found.licence, found.attribution) == ("official", None, None, [])
    assert claimed(engine, found.id).classes is None


def test_what_was_read_is_kept_until_the_next_attempt_tells_it_again(engine):
    training_id = given_training(engine)
    assert read(engine, training_id).data_report is None
    for left_out in (1, 2):
        claim = claimed(engine, training_id)
        with transaction(engine) as session:
            assert training_claims.data_read(session, claim, data_report(left_out))
        assert read(engine, training_id).data_report == data_report(left_out)
        let_lease_run_out(engine)
    claimed(engine, training_id)
    with transaction(engine) as session:
        assert not training_claims.data_read(session, claim, data_report())
    assert read(engine, training_id).data_report == data_report(2)


def test_steps_lists_and_cancelling_do_not_read_it(engine):
    training_id = given_training(engine)
    claim = claimed(engine, training_id)
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with transaction(engine) as session:
        training_claims.advance(session, claim, step=3)
        trainings.page(session, None, 9)
    with transaction(engine) as session:
        trainings.cancel(session, training_id)
    assert statements
    assert not [one for one in statements if "data_report" in one]


def test_a_huge_one_is_kept_bounded(engine):
    """Of a data set with a folder for each of its files."""
    report = data_report()
    (count,) = report.data.counts
    small = [count.model_copy(update={"data_set": f"0/{number}", "photos": 1}) for number in range(5000)]
    report.data.counts = [*small, count]
    training_id = given_training(engine)
    with transaction(engine) as session:
        assert training_claims.data_read(session, claimed(engine, training_id), report)
    kept = read(engine, training_id).data_report
    assert kept is not None
    assert (len(kept.data.counts), kept.data.counts_left_out) == (MAX_COUNTS, 5001 - MAX_COUNTS)
    assert (kept.data.counts[0], kept.data.counts[-1]) == (small[0], count)
