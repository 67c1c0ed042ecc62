"""`wallscan models`: which weights there are, more of them, and which ones serve."""

from typing import Annotated
from uuid import UUID

import typer

from wallscan.client.bundles import bundle, send_bundle
from wallscan.client.connect import connected
from wallscan.client.errors import InputError, asked
from wallscan.client.exits import DONE, SYSTEM_FAILED, USAGE
from wallscan.client.flow import found_model
from wallscan.client.gate import activate as activate_behind_gate
from wallscan.client.gate import show_line, show_model
from wallscan.client.meter import meter
from wallscan.client.screen import Screen, listing, open_screen, plain
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import ModelState
from wallscan.wire.models import ActivationOrder, Benchmark, Model, RollbackOrder

app = typer.Typer(no_args_is_help=True, help="List, add and activate model versions.")
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Id, digest (or its beginning) or name of the version.")
]
ReasonOption = Annotated[str | None, typer.Option(help="Why, for the record.", show_default=False)]


@app.command("list")
def list_models() -> None:
    """List all model versions. The active one serves runs that name none."""
    screen = open_screen()
    table = listing("Name", "Digest", "State", "Active", "Id")
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
    activate: Annotated[
        bool, typer.Option("--activate", help="Let it serve where it is not worse than the active one.")
    ] = False,
) -> None:
    """Add a model: fetch it, pack it, send it, have it checked.

    Takes CLIPSeg weights as safetensors with their config and tokenizer; pickled weights are never loaded.
    Ends with 0 once the model is ready, 2 where it was rejected (the code says why), 1 where the hub or the
    system failed; with --activate as `models activate` does.
    """
    screen = open_screen()
    with bundle(source, name, revision) as (folder, manifest), connected(screen, trainer=True) as client:
        total = sum(file.size_bytes for file in manifest.files)
        with meter(screen.err, "Upload", total, "bytes") as progress:
            sent = send_bundle(client, folder, manifest, progress)
        model = sent if sent.state is ModelState.READY else client.checked_model(sent.id)
        if activate and model.state is ModelState.READY:
            raise typer.Exit(activate_behind_gate(client, screen, model, ActivationOrder()))
    raise typer.Exit(_told(screen, model))


@app.command()
def show(model: ModelArgument) -> None:
    """Show a version: its origin, its prompts, what its comparison came to, when it served and why."""
    screen = open_screen()
    with connected(screen) as client:
        detail = client.model(found_model(client, model).id)
    show_model(screen, detail)
    for key in ("base", "licence", "attribution", "data", "data_digest", "seed"):
        if value := detail.manifest.get(key):
            told = "; ".join(value) if isinstance(value, list) else str(value)
            screen.result(f"{key.replace('_', ' ')}: {told}")
    for family in detail.manifest.get("families", ()):
        screen.result(f"fitted for {family['name']}: {', '.join(family['phrases'])}")
    for served in detail.activations:
        why = "" if served.reason is None else f": {served.reason}"
        by = served.key_name or "the system"
        screen.result(f"serves from {served.created_at:%Y-%m-%d %H:%M}, {served.kind}, by {by}{why}")


@app.command()
def activate(
    model: ModelArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Without a comparison, or against its outcome. Needs --reason.")
    ] = False,
    reason: ReasonOption = None,
) -> None:
    """Let this version serve the runs that name none, where it is not worse than the one that does now.

    Both are compared first, and the numbers are shown. Ends with 0 once it serves, 2 where it was refused,
    1 where the comparison came to nothing.
    """
    if force and reason is None:
        raise InputError(Code.REQUEST_INVALID, "--force needs a --reason, which goes on record")
    order = asked(ActivationOrder, force=force, reason=reason)
    screen = open_screen()
    with connected(screen, trainer=True) as client:
        status = activate_behind_gate(client, screen, found_model(client, model), order)
    raise typer.Exit(status)


@app.command()
def rollback(reason: ReasonOption = None) -> None:
    """Let the version serve again that served before the active one. Again: the one before that."""
    order = asked(RollbackOrder, reason=reason)
    screen = open_screen()
    with connected(screen) as client:
        show_line(screen, client.roll_back_model(order))


@app.command()
def benchmark(
    dataset: Annotated[
        UUID | None, typer.Option(help="Compare on this data set (its id) from now on.", show_default=False)
    ] = None,
    rendered: Annotated[
        bool, typer.Option("--rendered", help="Compare on rendered walls from now on.")
    ] = False,
) -> None:
    """Show what versions are compared on before they serve, or choose it."""
    if rendered and dataset is not None:
        raise InputError(Code.REQUEST_INVALID, "either --dataset or --rendered")
    screen = open_screen()
    with connected(screen) as client:
        changes = rendered or dataset is not None
        screen.result(_benchmark(client.set_benchmark(dataset) if changes else client.benchmark()))


def _benchmark(chosen: Benchmark) -> str:
    if chosen.dataset_id is None:
        return "Versions are compared on rendered walls."
    return f"Versions are compared on {chosen.name} ({chosen.dataset_id}, SHA-256 {chosen.sha256})."


def _told(screen: Screen, model: Model) -> int:
    show_line(screen, model)
    if model.state is ModelState.REJECTED:
        screen.say(f"{model.detail} [{model.code}]")
        return USAGE
    return DONE if model.state is ModelState.READY else SYSTEM_FAILED
