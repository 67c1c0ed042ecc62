"""Arguments and options that several commands share."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from wallscan.client.errors import InputError
from wallscan.domain.codes import Code
from wallscan.domain.looks import DEFAULT_DETAIL, Detail
from wallscan.domain.pipelines import DEFAULT_PIPELINE, PIPELINE_NAMES, parse_pipeline, recorded
from wallscan.domain.prompts import DEFAULT_PROMPTS
from wallscan.domain.scale import MAX_MM_PER_PX, MIN_MM_PER_PX
from wallscan.wire.scale import Scale

FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", exists=True, file_okay=False, help="Folder of photos. Each folder in it is a wall."
    ),
]
PromptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt",
        "-p",
        help="What to look for, in words; once or several times.",
        show_default=" and ".join(DEFAULT_PROMPTS),
    ),
]
SiteOption = Annotated[str | None, typer.Option(help="Name of the site.", show_default="the folder's name")]
ModelOption = Annotated[
    str | None, typer.Option(help="Model version: id, digest or name.", show_default="the active one")
]
DetailOption = Annotated[
    Detail,
    typer.Option(
        help="How closely to look: the whole photo (1), in tiles too (2, 3), in tiles where there is reason "
        "to (adaptive), or as fits the photo (auto).",
        show_default=DEFAULT_DETAIL.value,
    ),
]
FlipOption = Annotated[
    bool, typer.Option("--flip", help="Look at everything mirrored as well: steadier, half as fast.")
]
PipelineOption = Annotated[
    str,
    typer.Option(
        help=f"How masks are made of probabilities: {' or '.join(PIPELINE_NAMES)}.",
        show_default=DEFAULT_PIPELINE,
    ),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(help="A parameter of the pipeline, as NAME=VALUE (level=0.4); once or several times."),
]
InspectionOption = Annotated[
    str | None,
    typer.Option(
        help="Go on with this inspection of the site (name or id): only what is missing is sent. "
        "A name that is new opens an inspection.",
        show_default="a new one",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier report in --out.")]
MmPerPxOption = Annotated[
    float | None,
    typer.Option(
        min=MIN_MM_PER_PX,
        max=MAX_MM_PER_PX,
        help="Millimetres on the wall per pixel of each photo, for lengths and widths in millimetres.",
        show_default=False,
    ),
]
MarkerMmOption = Annotated[
    float | None,
    typer.Option(
        min=5,
        max=2000,
        help="Side in millimetres of the printed marker in each photo (see `wallscan marker`).",
        show_default=False,
    ),
]


def chosen_scale(mm_per_px: float | None, marker_mm: float | None) -> Scale | None:
    """The scale of all photos. Raises InputError `request_invalid` where it is given in two ways."""
    if mm_per_px is not None and marker_mm is not None:
        raise InputError(Code.REQUEST_INVALID, "give --mm-per-px or --marker-mm, not both")
    if mm_per_px is None and marker_mm is None:
        return None
    return Scale(mm_per_px=mm_per_px, marker_side_mm=marker_mm)


def postprocess(pipeline: str, parameters: Sequence[str] | None) -> dict[str, Any]:
    """The pipeline that options name, with all its parameters.

    Raises PipelineError `pipeline_unknown` or `pipeline_parameter_invalid`.
    """
    changes = (change.partition("=") for change in parameters or ())
    return recorded(parse_pipeline({"name": pipeline, **{name: _value(text) for name, _, text in changes}}))


def _value(text: str) -> object:
    """Numbers and null as JSON has them; all else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
