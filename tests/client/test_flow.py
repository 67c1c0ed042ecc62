"""What a person does while a run is followed, against the real API."""

import io

import pytest
from rich.console import Console

from tests.records.given import given_run
from wallscan.client import flow
from wallscan.client.http import Client
from wallscan.client.screen import Screen
from wallscan.records import runs
from wallscan.records.session import transaction


@pytest.fixture
def told(monkeypatch, client, engine):
    """What is said where Ctrl-C comes; told after the run was asked to stop by somebody else or not."""

    def interrupted(*, ended: bool) -> str:
        order = given_run(engine)
        if ended:
            with transaction(engine) as session:
                runs.cancel(session, order.run_id)

        def watch(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(Client, "watch", watch)
        heard = io.StringIO()
        screen = Screen(Console(file=io.StringIO()), Console(file=heard, width=200))
        with pytest.raises(KeyboardInterrupt):
            flow.followed(client, client.run(order.run_id), screen)
        return heard.getvalue()

    return interrupted


def test_ctrl_c_stops_the_run_and_says_what_is_kept(told):
    assert "is asked to stop. 0 of 2 results are there and kept" in told(ended=False)


def test_ctrl_c_as_the_run_ends_is_still_ctrl_c(told):
    assert "was not stopped" in told(ended=True)
