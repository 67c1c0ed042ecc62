"""`wallscan status`: how far a run is."""

from typing import Annotated
from uuid import UUID

import typer

from wallscan.client import flow
from wallscan.client.connect import connected
from wallscan.client.exits import run_exit
from wallscan.client.screen import open_screen, show_run


def status(
    run: Annotated[UUID, typer.Argument(metavar="RUN", help="Id of the run.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the run to end.")] = False,
) -> None:
    """Show a run: its state, its results so far and the first failures.

    Ends with 0, with 3 where photos failed so far, with 1 where the whole run failed.
    """
    screen = open_screen()
    with connected(screen) as client:
        state = flow.watched(client, client.run(run), screen) if wait else client.run(run)
    show_run(screen, state)
    raise typer.Exit(run_exit(state))
