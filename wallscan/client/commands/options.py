"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from wallscan.client.errors import InputError
from wallscan.domain.codes import Code
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
