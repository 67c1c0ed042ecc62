"""The pictures of a model card: curves of the training, and photos that came out well and badly."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from trainer.data import Sample
from trainer.evaluation.judge import Judged
from trainer.evaluation.pictures import write_sheets
from wallscan.models.files import CURVES, SAMPLES
from wallscan.segment.engine import Engine

MAX_BYTES = 1 << 20
"""Of a sheet: a bundle of a few megabytes is not to be made of pictures."""
COLOURS = 128
SHRINK = 0.8


def write_pictures(
    engine: Engine, samples: Sequence[Sample], judged: Sequence[Judged], curves: Path | None, out: Path
) -> list[str]:
    """PNG files for the card in the folder `out`: their names, that of the curves first.

    A sheet a family with its best, middling and worst photos. `curves` is copied where it is there.
    """
    names = []
    if curves is not None and curves.is_file():
        shutil.copyfile(curves, out / CURVES)
        names.append(CURVES)
    with tempfile.TemporaryDirectory() as scratch:
        for sheet in write_sheets(engine, samples, judged, Path(scratch)).values():
            name = f"samples-{sheet.name}"
            if SAMPLES.fullmatch(name):  # a family in another script has no file name that a bundle may hold
                _reduced(sheet, out / name)
                names.append(name)
    return names


def _reduced(sheet: Path, target: Path) -> None:
    """In few colours, and as small as it takes."""
    with Image.open(sheet) as opened:
        picture = opened.convert("RGB")
    while True:
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size <= MAX_BYTES:
            return
        picture = picture.resize((round(picture.width * SHRINK), round(picture.height * SHRINK)))
