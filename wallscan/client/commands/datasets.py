"""`wallscan datasets`: what models can be trained on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from wallscan.client.connect import connected
from wallscan.client.datasets import send_dataset, zip_file
from wallscan.client.meter import meter
from wallscan.client.screen import listing, open_screen, plain

app = typer.Typer(no_args_is_help=True, help="List and add data sets to train on.")


@app.command("list")
def list_datasets() -> None:
    """List all data sets."""
    screen = open_screen()
    table = listing("Name", "Size", "State", "Id")
    with connected(screen) as client:
        for dataset in client.datasets():
            size = decimal(dataset.size_bytes)
            table.add_row(plain(dataset.name), size, dataset.state, str(dataset.id))
    screen.out.print(table)


@app.command()
def add(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", exists=True, help="Folder of annotated photos, or a zip file of such a folder."
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Name it.", show_default="the source's")] = None,
) -> None:
    """Add a data set: pack the folder, send it.

    The same content is there once, under the name that it had first.
    """
    screen = open_screen()
    with (
        zip_file(source) as path,
        connected(screen) as client,
        meter(screen.err, "Upload", path.stat().st_size, "bytes") as progress,
    ):
        dataset = send_dataset(client, path, name or _default_name(source.resolve()), progress)
    screen.result(f"Data set {dataset.name}: {dataset.state} ({dataset.id})")


def _default_name(source: Path) -> str:
    return source.name if source.is_dir() else source.stem  # a folder's name has no ending, whatever it holds
