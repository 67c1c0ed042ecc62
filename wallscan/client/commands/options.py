"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
InspectionOption = Annotated[
    str | None,
    typer.Option(
        help="Go on with this inspection of the site (name or id): only what is missing is sent. "
        "A name that is new opens an inspection.",
        show_default="a new one",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier report in --out.")]
