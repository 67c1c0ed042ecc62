import pytest

from wallscan.domain.lifecycle import (
    RUN_ENDED,
    RUN_TRANSITIONS,
    TASK_ENDED,
    TASK_TRANSITIONS,
    TRAINING_ENDED,
    TRAINING_TRANSITIONS,
    RunState,
    TaskState,
    TrainingState,
)


def test_every_state_has_its_ways_out():
    assert set(RUN_TRANSITIONS) == set(RunState)
    assert set(TASK_TRANSITIONS) == set(TaskState)
    assert set(TRAINING_TRANSITIONS) == set(TrainingState)


@pytest.mark.parametrize(
    ("transitions", "start"),
    [
        (RUN_TRANSITIONS, RunState.QUEUED),
        (TASK_TRANSITIONS, TaskState.QUEUED),
        (TRAINING_TRANSITIONS, TrainingState.QUEUED),
    ],
)
def test_every_state_is_reached_from_the_first(transitions, start):
    seen, todo = {start}, [start]
    while todo:
        new = set(transitions[todo.pop()]) - seen
        seen |= new
        todo += new
    assert seen == set(transitions)


def test_a_finished_task_is_never_done_again():
    assert TASK_TRANSITIONS[TaskState.SUCCEEDED] == frozenset()
    assert TaskState.SUCCEEDED in TASK_ENDED
    assert RunState.CANCELLING not in RUN_ENDED


def test_an_ended_training_stays_as_it_is():
    assert {state for state, ways in TRAINING_TRANSITIONS.items() if not ways} == TRAINING_ENDED
