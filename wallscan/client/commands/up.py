"""`wallscan up`: serve the whole system on this machine."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from wallscan.client.connect import ClientSettings
from wallscan.client.screen import open_screen


def up(
    data: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="Data folder.", show_default="WALLSCAN_DATA_DIR or ~/.local/share/wallscan"
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the API.", show_default="a free one, kept")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Photos looked at side by side.", show_default="one per core")
    ] = None,
) -> None:
    """Serve the whole system on this machine until Ctrl-C.

    Valkey, PostgreSQL, SeaweedFS, API, workers, trainer and sweeper run as child processes on the loopback
    address. REDIS_URL, DATABASE_URL and S3_ENDPOINT_URL each put an outside server in the place of ours.
    """
    from wallscan.local.stack import Stack
    from wallscan.local.up import serve

    screen = open_screen()
    folder = data or ClientSettings().data_dir
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    def ready(stack: Stack) -> None:
        screen.result(f"export WALLSCAN_URL={stack.url}")
        screen.result(f"export WALLSCAN_API_KEY={stack.api_key}")
        screen.say("Serving. The two lines above let other terminals use it; Ctrl-C stops it.")

    screen.say(f"Starting in {folder}")
    serve(Stack(folder, port=port, workers=workers), ready)
    screen.say("Stopped; the data stays.")
