"""`python -m trainer compare`: the gate, without a server."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trainer.benchmark import Benchmark, annotated, rendered_walls
from trainer.commands.reported import reported
from trainer.commands.train import Threads, set_threads
from trainer.data import digest_of
from trainer.gate import compare as compared
from trainer.learnt import unseen
from wallscan.client.gate import comparison_table
from wallscan.client.sources import default_name, model_folder
from wallscan.models.folder import packed
from wallscan.segment.engine import load_engine

REFUSED = 1


def compare(
    model: Annotated[str, typer.Option(help="The one that is to serve: a bundle, a folder or a hub id.")],
    active: Annotated[str, typer.Option(help="The one that serves.")],
    data: Annotated[
        Path | None, typer.Option(help="A data set's folder.", show_default="rendered walls")
    ] = None,
    threads: Threads = 1,
) -> None:
    """Say whether a model would be let in place of another. Ends with 0 if so, 1 if not, 2 on bad input."""
    console = Console(stderr=True)
    set_threads(threads)
    with reported(console), ExitStack() as stack:
        folders = [stack.enter_context(_bundle(one)) for one in (model, active)]
        ours, theirs = map(load_engine, folders)
        walls = stack.enter_context(rendered_walls()) if data is None else unseen(_data_set(data), folders)
        measured, refusal = compared(ours, theirs, walls)
    Console(width=140).print(comparison_table(measured))
    if refusal is not None:
        console.print(refusal, markup=False, soft_wrap=True)
        raise typer.Exit(REFUSED)


@contextmanager
def _bundle(source: str) -> Iterator[Path]:
    with model_folder(source) as plain, tempfile.TemporaryDirectory() as scratch:
        yield packed(plain, Path(scratch, "bundle"), name=default_name(source))[0]


def _data_set(folder: Path) -> Benchmark:
    """Named after its folder, frozen by what its photos and annotations are."""
    read = annotated(folder.name, "", folder)
    return Benchmark(read.name, digest_of(read.samples), read.samples)
