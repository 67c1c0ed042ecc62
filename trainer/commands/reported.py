"""How the commands say what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from wallscan.domain.errors import WallscanError

WRONG = 2
"""The exit status where a command cannot do what it was asked."""


@contextmanager
def reported(console: Console) -> Iterator[None]:
    """Print the product's own errors with their code, and end with `WRONG`."""
    try:
        yield
    except WallscanError as error:
        console.print(f"{error.detail} [{error.code}]", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG) from error
