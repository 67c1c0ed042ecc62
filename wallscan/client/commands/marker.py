"""`wallscan marker`: a marker to print, which gives photos their scale."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from wallscan.client.disk import writing
from wallscan.client.errors import OutputError
from wallscan.client.screen import open_screen
from wallscan.domain.codes import Code


def marker(
    side_mm: Annotated[
        float, typer.Option(min=10, max=1000, help="Side of the black square in millimetres.")
    ] = 100.0,
    number: Annotated[int, typer.Option(min=0, max=49, help="Which of the dictionary's markers.")] = 0,
    out: Annotated[Path, typer.Option(dir_okay=False, help="File to write: .pdf or .png.")] = Path(
        "marker.pdf"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file.")] = False,
) -> None:
    """Draw a marker to print at 100 % and to hold flat against the wall in each photo.

    `inspect --marker-mm` with the same side then gives lengths and widths in millimetres. ArUco dictionary
    5x5_50. Measure the printed square: printers like to shrink a page.
    """
    from wallscan.measure.paper import marker_sheet

    kinds: dict[str, Literal["PDF", "PNG"]] = {".pdf": "PDF", ".png": "PNG"}
    kind = kinds.get(out.suffix.lower())
    if kind is None:
        raise typer.BadParameter("write to a .pdf or a .png", param_hint="--out")
    if out.exists() and not overwrite:
        raise OutputError(Code.OUTPUT_TAKEN, f"{out} exists; --overwrite replaces it")
    sheet = marker_sheet(side_mm, number, kind)
    with writing(out):
        out.write_bytes(sheet)
    open_screen().result(f"Marker: {out}, {side_mm:g} mm wide")
