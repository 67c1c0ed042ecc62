"""A sheet to print: one marker to scale, with its size in words and a line to check the printer by."""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wallscan.measure.marker import CELLS, draw_marker

DPI = 300
_MM_PER_INCH = 25.4


def marker_sheet(side_mm: float, number: int, kind: Literal["PDF", "PNG"]) -> bytes:
    """The sheet as a file that prints at its true size where the printer does not "fit to page".

    The black square is `side_mm` wide to half a dot (0.04 mm); around it is the white rim, one cell wide,
    without which no detector finds it.
    """
    side_px = _dots(side_mm)
    rim_px = side_px // CELLS + 1
    height_px = side_px + 3 * rim_px + _dots(12)
    sheet = Image.new("L", (side_px + 2 * rim_px, height_px), 255)
    sheet.paste(Image.fromarray(np.asarray(draw_marker(number, side_px))), (rim_px, rim_px))
    _draw_ruler(sheet, rim_px, side_px, f"{side_mm:g} mm, marker {number}: print at 100 %, then measure this")
    file = io.BytesIO()
    if kind == "PDF":
        sheet.save(file, "PDF", resolution=float(DPI))
    else:
        sheet.save(file, "PNG", dpi=(DPI, DPI))
    return file.getvalue()


def _draw_ruler(sheet: Image.Image, rim_px: int, side_px: int, text: str) -> None:
    """A line exactly as long as the marker is wide, with ticks at its ends and words below."""
    draw, y = ImageDraw.Draw(sheet), side_px + 2 * rim_px + _dots(2)
    left, right, tick = rim_px, rim_px + side_px - 1, _dots(1.5)
    draw.line((left, y, right, y), fill=0, width=3)
    for x in (left, right):
        draw.line((x, y - tick, x, y + tick), fill=0, width=1)
    font = ImageFont.load_default(size=min(40.0, side_px / 20))
    draw.text((left, y + tick), text, fill=0, font=font)


def _dots(length_mm: float) -> int:
    return round(length_mm / _MM_PER_INCH * DPI)
