from typing import Any

from tests.records.given import data_report
from tests.records.test_trainings import claimed, given_training, let_lease_run_out, read
from wallscan.records import training_claims
from wallscan.records.session import transaction


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
