import pytest

from tests.records.given import (
    FACTS,
    PROMPTS,
    claimed,
    given_inspection,
    given_model,
    given_photos,
    given_run,
    results,
)
from wallscan.domain.codes import Code
from wallscan.domain.errors import RunError
from wallscan.domain.lifecycle import PhotoState, RunState, TaskState
from wallscan.records import runs, tasks
from wallscan.records.progress import _percent, items, progress
from wallscan.records.reports import inspection_report
from wallscan.records.session import transaction


def test_a_new_run_has_everything_queued(engine):
    order = given_run(engine, photos=3)
    with transaction(engine) as session:
        run = progress(session, order.run_id)
    assert (run.state, run.photos, run.items, run.percent) == (RunState.QUEUED, 3, 6, 0.0)
    assert run.counts.model_dump() == {"queued": 6, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0}
    assert (run.eta_s, run.errors, run.model) == (None, [], "a-model")


def test_counts_percent_eta_and_errors_follow_the_rows(engine):
    order = given_run(engine, photos=4)
    done, broken = claimed(engine, order, 0), claimed(engine, order, 1)
    claimed(engine, order, 2)
    with transaction(engine) as session:
        tasks.finish(session, done, FACTS, results(done))
        tasks.fail(session, broken, Code.PHOTO_CORRUPT, "broken")
    with transaction(engine) as session:
        run = progress(session, order.run_id)
    assert run.counts.model_dump() == {"queued": 2, "running": 2, "succeeded": 2, "failed": 2, "cancelled": 0}
    assert run.percent == 50.0
    assert run.eta_s is not None
    assert run.eta_s >= 0
    assert [(error.photo_id, error.code) for error in run.errors] == [(order.photo_ids[1], "photo_corrupt")]


def test_prompts_that_the_model_was_not_fitted_for_are_named(engine):
    families = [{"name": "crack", "phrases": ["crack", "segment crack"]}]
    model_id = given_model(engine, manifest={"families": families})
    inspection_id, wall_id = given_inspection(engine)
    given_photos(engine, inspection_id, wall_id, 1)
    prompts = ("a fissure", " Segment  CRACK", "wall")
    with transaction(engine) as session:
        run_id = runs.submit(session, inspection_id, model_id, prompts, {"name": "founding"})
        assert progress(session, run_id).unfamiliar_prompts == ["a fissure", "wall"]
        assert inspection_report(session, inspection_id).run.unfamiliar_prompts == ["a fissure", "wall"]


def test_a_model_of_no_families_knows_no_prompt(engine):
    order = given_run(engine)
    with transaction(engine) as session:
        assert progress(session, order.run_id).unfamiliar_prompts == list(PROMPTS)


def test_a_hundred_per_cent_means_all():
    assert [_percent(*counts) for counts in ((0, 3), (1, 3), (29_999, 30_000), (3, 3), (0, 0))] == [
        0.0,
        33.33,
        99.99,
        100.0,
        100.0,
    ]


def test_eta_is_null_after_the_end(engine):
    order = given_run(engine)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        tasks.finish(session, claim, FACTS, results(claim))
        runs.complete_if_done(session, order.run_id)
        run = progress(session, order.run_id)
    assert (run.percent, run.eta_s, run.state) == (100.0, None, RunState.SUCCEEDED)


def test_rejected_photos_are_skipped_and_listed_after_failed_ones(engine):
    inspection_id, wall_id = given_inspection(engine)
    given_photos(engine, inspection_id, wall_id, 12, state=PhotoState.REJECTED, code=Code.PHOTO_EMPTY)
    (photo_id,) = given_photos(engine, inspection_id, wall_id, 1)
    model_id = given_model(engine)
    with transaction(engine) as session:
        run_id = runs.submit(session, inspection_id, model_id, ["crack"], {})
        claim = tasks.claim(session, run_id, photo_id, "a-worker", 60)
        assert claim is not None
        tasks.fail(session, claim, Code.PHOTO_CORRUPT, "broken")
        run = progress(session, run_id)
    assert (run.photos, run.skipped) == (1, 12)
    assert [error.code for error in run.errors] == ["photo_corrupt"] + ["photo_empty"] * 9


def test_progress_of_an_unknown_run(engine):
    order = given_run(engine)
    with pytest.raises(RunError) as refused, transaction(engine) as session:
        progress(session, order.inspection_id)
    assert refused.value.code is Code.RUN_UNKNOWN


def test_pages_of_items_cover_every_photo_and_prompt_once(engine):
    order = given_run(engine, photos=3)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        tasks.finish(session, claim, FACTS, results(claim))
    pages, after = [], None
    with transaction(engine) as session:
        while page := items(session, order.run_id, after=after, limit=2):
            pages += page
            after = (page[-1].path, claim.prompts.index(page[-1].prompt))
    assert [(item.path, item.prompt) for item in pages] == sorted(
        (item.path, prompt) for item in pages[::2] for prompt in claim.prompts
    )
    assert len({(item.photo_id, item.prompt) for item in pages}) == 6
    finished = [item for item in pages if item.photo_id == claim.photo_id]
    assert {item.coverage_pct for item in finished} == {1.0}
    assert {item.coverage_pct for item in pages if item not in finished} == {None}
    assert {item.wall for item in pages} == {"north"}


def test_items_by_state_and_wall(engine):
    order = given_run(engine, photos=2)
    claim = claimed(engine, order)
    with transaction(engine) as session:
        tasks.fail(session, claim, Code.PHOTO_CORRUPT, "broken")
    with transaction(engine) as session:
        failed = items(session, order.run_id, state=TaskState.FAILED, wall_id=order.wall_id)
        assert [(item.photo_id, item.code) for item in failed] == [(claim.photo_id, "photo_corrupt")] * 2
        assert items(session, order.run_id, wall_id=order.run_id) == []
