"""`wallscan rerun`: the masks of a run once more, made in another way."""

from typing import Annotated
from uuid import UUID

import typer

from wallscan.client import flow
from wallscan.client.commands.options import ParameterOption, PipelineOption, postprocess
from wallscan.client.connect import connected
from wallscan.client.exits import run_exit
from wallscan.client.screen import open_screen, show_run
from wallscan.domain.pipelines import DEFAULT_PIPELINE


def rerun(
    run: Annotated[UUID, typer.Argument(metavar="RUN", help="Id of the run.")],
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    parameter: ParameterOption = None,
) -> None:
    """Measure a run's probability maps again, with another pipeline, and wait for it.

    The model is not asked again, but for photos whose maps are not there. The new run has the same prompts
    and becomes the inspection's active one: `wallscan report` writes its report. Ends like `status`.
    """
    screen = open_screen()
    wanted = postprocess(pipeline, parameter)
    with connected(screen) as client:
        state = flow.followed(client, client.rerun(client.run(run), wanted), screen)
    show_run(screen, state)
    raise typer.Exit(run_exit(state))
