"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from wallscan.domain.looks import DEFAULT_DETAIL, Detail
from wallscan.domain.prompts import DEFAULT_PROMPTS

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
InspectionOption = Annotated[
    str | None,
    typer.Option(
        help="Go on with this inspection of the site (name or id): only what is missing is sent. "
        "A name that is new opens an inspection.",
        show_default="a new one",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier report in --out.")]
