"""`wallscan inspect`: a folder of photos in, a report out."""

from pathlib import Path
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
    OverwriteOption,
    ParameterOption,
    PipelineOption,
    PromptOption,
    SiteOption,
    chosen_scale,
    postprocess,
)
from wallscan.client.connect import connected
from wallscan.client.errors import ApiError
from wallscan.client.exits import SOME_FAILED
from wallscan.client.output import make_output, refuse_taken
from wallscan.client.screen import open_screen, show_outcome, show_refusals
from wallscan.domain.codes import Code
from wallscan.domain.looks import DEFAULT_DETAIL, Look
from wallscan.domain.pipelines import DEFAULT_PIPELINE
from wallscan.domain.prompts import DEFAULT_PROMPTS, normal_prompts


def inspect(
    folder: FolderArgument,
    prompt: PromptOption = None,
    site: SiteOption = None,
    model: ModelOption = None,
    detail: DetailOption = DEFAULT_DETAIL,
    flip: FlipOption = False,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    parameter: ParameterOption = None,
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Where to write.", show_default="wallscan-report-DATE"),
    ] = None,
    overwrite: OverwriteOption = False,
    inspection: InspectionOption = None,
    mm_per_px: MmPerPxOption = None,
    marker_mm: MarkerMmOption = None,
) -> None:
    """Inspect a folder of photos and write a report.

    Each folder in FOLDER is a wall; photos beside them belong to the wall "unsorted". Uses the server of
    WALLSCAN_URL and WALLSCAN_API_KEY; without them a private stack runs as long as the command does.

    Writes report.html, report.json, report.csv (a row per photo and prompt), walls.csv and a mask per photo
    and prompt. Ends with 0 where every photo was handled, 3 where some failed (they are listed), 2 where the
    command was used wrongly, 1 where the system failed, 130 after Ctrl-C.
    """
    screen = open_screen()
    prompts = normal_prompts(prompt if prompt is not None else DEFAULT_PROMPTS)
    scale = chosen_scale(mm_per_px, marker_mm)
    wanted = postprocess(pipeline, parameter)
    photos = flow.scanned(folder, screen)
    place = site or folder.resolve().name
    refuse_taken(out, overwrite=overwrite)
    with connected(screen) as client:
        flow.warn_of_unfamiliar(client, model, prompts, screen)  # before hours of upload, not after
        visit = flow.chosen_inspection(client, place, inspection)
        refusals = flow.sent(client, place, visit, photos, screen).refusals
        try:
            order = client.submit(visit.id, prompts, model, wanted, look=Look(detail, flip), scale=scale)
            run = flow.followed(client, order, screen)
        except ApiError as error:
            if error.code != Code.INSPECTION_EMPTY:
                raise
            show_refusals(screen, refusals)
            raise typer.Exit(SOME_FAILED) from None
        report = client.report("inspections", visit.id, run_id=run.id)
        flow.written(client, report, make_output(out, overwrite=overwrite), screen)
        outcome = show_outcome(screen, report, refusals)
    raise typer.Exit(outcome)
