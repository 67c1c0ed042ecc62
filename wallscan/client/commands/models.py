"""`wallscan models`: which weights there are, more of them, and which ones serve."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from wallscan.client.bundles import bundle, send_bundle
from wallscan.client.connect import connected
from wallscan.client.errors import InputError
from wallscan.client.exits import DONE, SYSTEM_FAILED, USAGE
from wallscan.client.http import Client
from wallscan.client.meter import meter
from wallscan.client.screen import Screen, open_screen, plain
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import ModelState
from wallscan.wire.models import Model

app = typer.Typer(no_args_is_help=True, help="List, add and activate model versions.")


@app.command("list")
def list_models() -> None:
    """List all model versions. The active one serves runs that name none."""
    screen = open_screen()
    table = Table("Name", "Digest", "State", "Active", "Id")
    with connected(screen) as client:
        for model in client.models():
            state = model.state if model.code is None else f"{model.state} [{model.code}]"
            serves = "yes" if model.active else ""
            table.add_row(plain(model.name), model.digest[:12], plain(state), serves, str(model.id))
    screen.out.print(table)


@app.command()
def add(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Hub id (CIDAS/clipseg-rd64-refined), folder of a transformers model or bundle, "
            "or a bundle as .zip or .tar.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name it; a bundle has its own.", show_default="the source's")
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the hub.", show_default="main")
    ] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Let it serve at once.")] = False,
) -> None:
    """Add a model: fetch it, pack it, send it, have it checked.

    Takes CLIPSeg weights as safetensors with their config and tokenizer; pickled weights are never loaded.
    Ends with 0 once the model is ready, 2 where it was rejected (the code says why), 1 where the hub or the
    system failed.
    """
    screen = open_screen()
    with bundle(source, name, revision) as (folder, manifest), connected(screen, trainer=True) as client:
        total = sum(file.size_bytes for file in manifest.files)
        with meter(screen.err, "Upload", total, "bytes") as progress:
            sent = send_bundle(client, folder, manifest, progress)
        model = sent if sent.state is ModelState.READY else client.checked_model(sent.id)
        if activate and model.state is ModelState.READY:
            model = client.activate_model(model.id)
    raise typer.Exit(_told(screen, model))


@app.command()
def activate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Id, digest (or its beginning) or name of the version.")
    ],
) -> None:
    """Let this version serve the runs that name none."""
    screen = open_screen()
    with connected(screen) as client:
        chosen = client.activate_model(_found(client, model))
    raise typer.Exit(_told(screen, chosen))


def _found(client: Client, wanted: str) -> UUID:
    """The id of a version: newest first where a name has several."""
    newest_first = sorted(client.models(), key=lambda model: model.created_at, reverse=True)
    for model in newest_first:
        if wanted in (str(model.id), model.name) or (len(wanted) >= 8 and model.digest.startswith(wanted)):
            return model.id
    raise InputError(Code.MODEL_UNKNOWN, f"there is no model {wanted!r}")


def _told(screen: Screen, model: Model) -> int:
    serving = ", active" if model.active else ""
    screen.result(f"Model {model.name} {model.digest[:12]}: {model.state}{serving} ({model.id})")
    if model.state is ModelState.REJECTED:
        screen.say(f"{model.detail} [{model.code}]")
        return USAGE
    return DONE if model.state is ModelState.READY else SYSTEM_FAILED
