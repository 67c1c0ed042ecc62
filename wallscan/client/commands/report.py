"""`wallscan report`: the numbers of an earlier inspection, on screen or as files."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from wallscan.client import flow
from wallscan.client.commands.options import OverwriteOption
from wallscan.client.connect import connected
from wallscan.client.errors import InputError
from wallscan.client.http import Client
from wallscan.client.output import make_output, refuse_taken
from wallscan.client.screen import open_screen, show_outcome
from wallscan.domain.codes import Code
from wallscan.wire.report import Report


def report(
    inspection: Annotated[
        UUID | None, typer.Argument(metavar="INSPECTION", help="Id of an inspection.", show_default=False)
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Name of a site: its newest inspection.", show_default=False)
    ] = None,
    wall: Annotated[
        str | None, typer.Option(help="Name of a wall of --site: this wall alone.", show_default=False)
    ] = None,
    run: Annotated[UUID | None, typer.Option(help="Another run.", show_default="the active one")] = None,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write the files here.", show_default=False)
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Show a report again; with --out write it, with its masks and pictures.

    Ends like `inspect`.
    """
    screen = open_screen()
    if out is not None:
        refuse_taken(out, overwrite=overwrite)
    with connected(screen) as client:
        found = _found(client, inspection, site, wall, run)
        if out is not None:
            flow.written(client, found, make_output(out, overwrite=overwrite), screen)
        outcome = show_outcome(screen, found)
    raise typer.Exit(outcome)


def _found(
    client: Client, inspection: UUID | None, site: str | None, wall: str | None, run: UUID | None
) -> Report:
    if site is None:
        if inspection is None or wall is not None:
            raise InputError(Code.REQUEST_INVALID, "name an inspection, or --site, or --site and --wall")
        return client.report("inspections", inspection, run_id=run)
    place = client.site(site)
    if place is None:
        raise InputError(Code.SITE_UNKNOWN, f"there is no site {site!r}")
    if wall is None:
        return client.report("sites", place.id, inspection_id=inspection, run_id=run)
    for known in client.walls(place.id):
        if known.name == wall:
            return client.report("walls", known.id, inspection_id=inspection, run_id=run)
    raise InputError(Code.WALL_UNKNOWN, f"the site {site!r} has no wall {wall!r}")
