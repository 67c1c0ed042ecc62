"""The `wallscan` command."""

import signal
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

import wallscan
from wallscan.client.commands.datasets import app as datasets
from wallscan.client.commands.inspect import inspect
from wallscan.client.commands.marker import marker
from wallscan.client.commands.models import app as models
from wallscan.client.commands.report import report
from wallscan.client.commands.rerun import rerun
from wallscan.client.commands.status import status
from wallscan.client.commands.trainings import app as trainings
from wallscan.client.commands.trainings import train
from wallscan.client.commands.up import up
from wallscan.client.commands.upload import upload
from wallscan.client.errors import ApiError
from wallscan.client.exits import INTERRUPTED, exit_code
from wallscan.client.screen import plain
from wallscan.domain.errors import WallscanError


class Commands(TyperGroup):
    """Turns expected failures into one line and an exit code; all else is a bug and keeps its trace."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer carries a click of its own, unnamed
        """Run the command that was asked for; a polite request to end is taken like Ctrl-C."""
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except (ApiError, WallscanError) as error:
            Console(stderr=True).print("Error:", plain(str(error)), style="bold red", soft_wrap=True)
            raise typer.Exit(exit_code(error)) from error
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        finally:
            signal.signal(signal.SIGTERM, before)


app = typer.Typer(
    cls=Commands,
    name="wallscan",
    help="Text-prompted inspection of wall photos: photos in, per-wall report out.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"wallscan {wallscan.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Text-prompted inspection of wall photos: photos in, per-wall report out."""


for command in (up, inspect, upload, status, rerun, report, marker):
    app.command()(command)
app.add_typer(models, name="models")
app.add_typer(datasets, name="datasets")
app.command()(train)
app.add_typer(trainings, name="trainings")
