"""Photos of several megapixels with cracks of 2 to 8 px, whose every pixel is known; and clean ones.

Walls are rendered, or real photos enlarged, whose own fine grain is laid over them at its native size, so
that they are sharp where a camera's would be. Cracks are those of the sample photos, seen from farther away.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.canvas import Canvas, new_canvas, soft
from samples.cracks import Crack, draw_crack
from trainer.data.read import read_samples
from trainer.data.sample import Sample, load_rgb
from trainer.data.tree import absolute
from trainer.phrases import JOINT
from trainer.render import render

LONG_SIDES_PX = (2000, 2400, 3000, 4000)
CRACK_PX = (2.0, 8.0)
CONTRAST = (0.5, 1.0)
"""Of a sample crack's: not all are as black."""
DRAWN_WIDTH_PX = 28.0
"""Width of a sample crack in the samples' own pixels: what its chips and shades are in proportion to."""
ASPECT = 3 / 4
BLACK, MOST_BLACK = 4, 0.01
GRAIN_SIGMA_PX = 3.0
JPEG_QUALITY = 92

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ThinPhoto:
    """A JPEG, its upright truth (H, W) bool, and what it was made of."""

    name: str
    jpeg: bytes
    truth: NDArray[np.bool_]
    width_px: float
    """Nominal width of its cracks; 0 on a clean wall."""
    joints: NDArray[np.bool_] | None = None
    """The joints of a real wall (H, W), where it is annotated; None where nobody knows."""
    place: str = ""
    """Where a real wall was photographed, as far as is known: photos of one place are alike."""


def thin_photos(count: int, seed: int, walls: Path | None = None) -> Iterator[ThinPhoto]:
    """`count` photos, cracked and clean in turns; `walls` is a folder of crack-free JPEG photos."""
    rng = random.Random(seed)
    folders = absolute([walls]) if walls else []
    sources = [path for folder in folders for path in sorted(folder.glob("*.jpg")) if _is_whole(path)]
    annotated = {sample.image: sample for sample in read_samples(folders)[0]}
    for number in range(count):
        wall = _Wall.of(rng.choice(sources), annotated) if sources else None
        cracked = number % 2 == 0
        yield _photo(f"{number:03}-{'cracked' if cracked else 'clean'}", wall, cracked, rng)


def _is_whole(path: Path) -> bool:
    """Photos from data sets are often turned or cut out, and black where nothing is left."""
    return bool((load_rgb(path).max(axis=2) < BLACK).mean() < MOST_BLACK)


@dataclass(frozen=True)
class _Wall:
    """A real photo (H, W, 3), its joints (H, W) where they are known, and where it was taken."""

    pixels: Pixels
    joints: Pixels | None
    place: str

    @staticmethod
    def of(path: Path, annotated: Mapping[Path, Sample]) -> "_Wall":
        pixels, sample = load_rgb(path), annotated.get(path)
        if sample is None:
            return _Wall(pixels, None, path.name)
        joints = sample.truth(JOINT, *pixels.shape[:2]) if JOINT in sample.shapes else None
        return _Wall(pixels, joints, sample.scene or sample.source or path.name)


def _photo(name: str, wall: _Wall | None, cracked: bool, rng: random.Random) -> ThinPhoto:
    long_px = rng.choice(LONG_SIDES_PX)
    height_px, width_px = round(long_px * ASPECT), long_px
    canvas = new_canvas(width_px, height_px, (0, 0, 0), rng.getrandbits(31))
    joints, place = None, ""
    if wall is None:
        canvas.rgb[:] = _rendered(long_px, rng)[:height_px]
    else:
        rows = round(wall.pixels.shape[0] * ASPECT)
        top = rng.randint(0, wall.pixels.shape[0] - rows)
        shown = slice(top, top + rows)
        canvas.rgb[:] = _enlarged(wall.pixels, shown, canvas)
        place = wall.place
        if wall.joints is not None:
            joints = (
                cv2.resize(wall.joints[shown], (width_px, height_px), interpolation=cv2.INTER_NEAREST) > 0
            )
    crack_px = rng.uniform(*CRACK_PX) if cracked else 0.0
    if cracked:
        before = canvas.rgb.copy()
        _crack(canvas, crack_px, rng)
        canvas.rgb = before + rng.uniform(*CONTRAST) * (canvas.rgb - before)
    canvas.rgb = soft(canvas.rgb, 0.6)
    canvas.rgb += canvas.rng.normal(0, 1.3, (*canvas.shape, 1)).astype(np.float32)
    pixels = np.rint(canvas.rgb).clip(0, 255).astype(np.uint8)
    return ThinPhoto(name, _jpeg(pixels), canvas.crack > 0.5, crack_px, joints, place)


def _rendered(side_px: int, rng: random.Random) -> Pixels:
    return render(None, side_px, rng)[0]


def _enlarged(photo: Pixels, shown: slice, canvas: Canvas) -> NDArray[np.float32]:
    """Some rows of a photo over the whole canvas, sharpened by its own grain, mirrored about."""
    height, width = canvas.shape
    large = cv2.resize(photo[shown], (width, height), interpolation=cv2.INTER_CUBIC)
    grain = photo.astype(np.float32) - cv2.GaussianBlur(photo.astype(np.float32), (0, 0), GRAIN_SIGMA_PX)
    grain = grain.mean(axis=2).clip(-6, 6)  # of the wall's texture; edges are in the enlarged photo
    below, right = height - grain.shape[0], width - grain.shape[1]
    grain = cv2.copyMakeBorder(grain, 0, max(below, 0), 0, max(right, 0), cv2.BORDER_REFLECT)
    return np.asarray(large + grain[:height, :width, None], np.float32)


def _crack(canvas: Canvas, crack_px: float, rng: random.Random) -> None:
    """One or two cracks across a good part of the photo."""
    height, width = canvas.shape
    canvas.scale = crack_px / DRAWN_WIDTH_PX
    for _ in range(rng.choice((1, 1, 2))):
        x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
        heading = np.degrees(np.arctan2(height / 2 - y, width / 2 - x)) + rng.uniform(-40, 40)
        length = rng.uniform(0.3, 0.8) * width
        x, y, length = (value / canvas.scale for value in (x, y, length))
        draw_crack(canvas, Crack(x, y, float(heading), length, DRAWN_WIDTH_PX, rng.choice((0, 1, 2))))


def _jpeg(pixels: Pixels) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1].tobytes()
