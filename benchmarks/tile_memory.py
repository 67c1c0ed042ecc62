"""`python -m benchmarks.tile_memory`: the most memory that one photo of many megapixels takes at a detail.

Each detail is a process of its own, which decodes, looks at and measures a JPEG of 50 megapixels as a worker
does, for two prompts. What the process held before the photo is told beside it. Then what decoding alone
takes, in bytes a pixel of a photo of 10 megapixels, for each kind of file.
"""

import argparse
import io
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.training import peak_mib
from wallscan.domain.looks import Detail, Look
from wallscan.domain.pipelines import STANDARD
from wallscan.models import starter_bundle
from wallscan.segment.tiles import decode_target_px

DETAILS = (Detail.WHOLE, Detail.TILES, Detail.FINE_TILES)
PROMPTS = ("crack", "drywall joint")
DECODED_PX = (3840, 2640)
INPUT_PX = 352


def photo(width_px: int, height_px: int) -> bytes:
    """A wall with grain and dark lines, as JPEG."""
    rng = np.random.default_rng(1)
    grain = rng.integers(170, 210, (height_px // 8, width_px // 8), np.uint8)
    image = Image.fromarray(grain).resize((width_px, height_px), Image.Resampling.BILINEAR).convert("RGB")
    image.paste((40, 38, 36), (width_px // 5, 0, width_px // 5 + 9, height_px))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def child(detail: Detail, data: bytes, model: Path, cache: Path, pipe: Connection) -> None:
    """Look at the photo and tell the peak before and after."""
    from wallscan.segment.engine import EngineSettings, load_engine
    from worker.pipeline import analyse

    engine = load_engine(model, EngineSettings(cache, precision="exact", threads=1))
    before = peak_mib()
    analyse(data, PROMPTS, engine, STANDARD, Look(detail))
    pipe.send((before, peak_mib()))


def decoding() -> Table:
    """Bytes a pixel that decoding holds at most, by kind of file and the size that is asked for."""
    from tests.photos.decode_memory import grown_bytes, kinds

    width_px, height_px = DECODED_PX
    targets = {detail: decode_target_px(detail, INPUT_PX) for detail in DETAILS}
    heads = (f"detail {detail.value}, to {target_px} px" for detail, target_px in targets.items())
    table = Table("decoding, bytes a pixel", *heads, title=f"{width_px} x {height_px} px")
    with tempfile.TemporaryDirectory(prefix="wallscan-bench-") as folder:
        for kind, data in kinds(width_px, height_px).items():
            path = Path(folder, "photo")
            path.write_bytes(data)
            grown = (grown_bytes(path, target_px) for target_px in targets.values())
            table.add_row(kind, *(f"{one / (width_px * height_px):.1f}" for one in grown))
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=starter_bundle(), help="folder of a bundle")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "wallscan" / "compiled")
    parser.add_argument("--width-px", type=int, default=8160)
    parser.add_argument("--height-px", type=int, default=6120)
    parser.add_argument("--detail", type=Detail, action="append", help="default: 1, 2 and 3")
    asked = parser.parse_args(arguments)
    data, context = photo(asked.width_px, asked.height_px), get_context("spawn")
    table = Table("detail", "before MiB", "peak MiB", title=f"{asked.width_px} x {asked.height_px} px")
    for detail in asked.detail or DETAILS:
        ours, theirs = context.Pipe()
        process = context.Process(target=child, args=(detail, data, asked.model, asked.cache, theirs))
        process.start()
        before, peak = ours.recv()
        process.join()
        table.add_row(detail.value, f"{before:.0f}", f"{peak:.0f}")
    console = Console(width=120)
    console.print(table)
    console.print(decoding())


if __name__ == "__main__":
    main()
