import io
import signal

import pytest
from rich.console import Console

from trainer.screen import Interrupted, Screen


def shown(steps: range, total: int, *, terminal: bool) -> list[str]:
    out = io.StringIO()
    with Screen(Console(file=out, force_terminal=terminal, width=140)) as screen:
        for step in steps:
            screen.stepped(step, total, 0.5)
    return [line for line in out.getvalue().splitlines() if line.startswith("Train ")]


def test_a_log_gets_a_line_for_every_hundredth():
    lines = shown(range(1, 401), 400, terminal=False)
    assert [line.partition(",")[0] for line in lines[:-1]] == [f"Train {4 * n}/400" for n in range(1, 101)]
    assert lines[50].endswith("loss 0.5000")
    assert " left" in lines[50]


def test_a_run_that_goes_on_does_not_tell_again_what_it_had_told():
    assert [line.partition(",")[0] for line in shown(range(251, 261), 1000, terminal=False)[:-1]] == [
        "Train 260/1000"
    ]


def test_a_short_run_gets_a_line_a_step():
    assert len(shown(range(1, 4), 3, terminal=False)) == 3 + 1  # and the bar as it ended


def test_ctrl_c_saves_first_while_it_trains_and_stops_at_once_while_it_publishes():
    with Screen(Console(file=io.StringIO())) as screen:
        signal.raise_signal(signal.SIGINT)
        assert screen.cancelled()
    with Screen(Console(file=io.StringIO())) as screen:
        screen.publishing()
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
