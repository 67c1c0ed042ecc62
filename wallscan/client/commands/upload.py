"""`wallscan upload`: photos to the server, with or without a run."""

from typing import Annotated

import typer

from wallscan.client import flow
from wallscan.client.commands.options import (
    DetailOption,
    FlipOption,
    FolderArgument,
    InspectionOption,
    MarkerMmOption,
    MmPerPxOption,
    ModelOption,
    ParameterOption,
    PipelineOption,
    PromptOption,
    SiteOption,
    chosen_scale,
    postprocess,
)
from wallscan.client.connect import connected
from wallscan.client.errors import ApiError
from wallscan.client.exits import DONE, SOME_FAILED
from wallscan.client.screen import open_screen, show_refusals
from wallscan.domain.codes import Code
from wallscan.domain.looks import DEFAULT_DETAIL, Look
from wallscan.domain.pipelines import DEFAULT_PIPELINE
from wallscan.domain.prompts import DEFAULT_PROMPTS, normal_prompts


def upload(
    folder: FolderArgument,
    site: SiteOption = None,
    inspection: InspectionOption = None,
    start: Annotated[bool, typer.Option("--start", help="Start a run, and do not wait for it.")] = False,
    prompt: PromptOption = None,
    model: ModelOption = None,
    detail: DetailOption = DEFAULT_DETAIL,
    flip: FlipOption = False,
    mm_per_px: MmPerPxOption = None,
    marker_mm: MarkerMmOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    parameter: ParameterOption = None,
) -> None:
    """Upload a folder of photos to an inspection.

    An interrupted upload goes on where it stopped when it is started again with the same --site and
    --inspection. Ends with 0 where every photo is in, 3 where some were refused (they are listed).
    """
    screen = open_screen()
    prompts = normal_prompts(prompt if prompt is not None else DEFAULT_PROMPTS)
    scale = chosen_scale(mm_per_px, marker_mm)
    wanted = postprocess(pipeline, parameter)
    photos = flow.scanned(folder, screen)
    place = site or folder.resolve().name
    with connected(screen) as client:
        flow.warn_of_unfamiliar(client, model, prompts, screen)  # before hours of upload, not after
        visit = flow.chosen_inspection(client, place, inspection)
        refusals = flow.sent(client, place, visit, photos, screen).refusals
        screen.result(f"Inspection: {visit.id}")
        if start:
            try:
                run = client.submit(visit.id, prompts, model, wanted, look=Look(detail, flip), scale=scale)
                screen.result(f"Run: {run.id}")
            except ApiError as error:
                if error.code != Code.INSPECTION_EMPTY or not refusals:
                    raise  # where every photo was refused, they are what there is to tell
    show_refusals(screen, refusals)
    raise typer.Exit(SOME_FAILED if refusals else DONE)
