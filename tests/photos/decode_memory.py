"""How much memory decoding takes: photos of every kind, and a process of its own for each."""

from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.photos.pictures import encode, exif, heic, wall
from wallscan.photos.decode import decode

STATUS = Path("/proc/self/status")
SMALL_PX = (96, 64)


def kinds(width_px: int, height_px: int) -> dict[str, bytes]:
    """The same wall as a file of each kind; it is smooth, so that they are soon made."""
    rgb = cv2.resize(wall(width_px // 8, height_px // 8), (width_px, height_px))
    alpha = np.full((height_px, width_px), 255, np.uint8)
    alpha[: height_px // 4] = 0
    rgba, grey = np.dstack((rgb, alpha)), rgb[..., 0]
    layered = np.asarray(Image.fromarray(rgba).convert("LA"))
    return {
        "JPEG": encode(rgb, quality=90),
        "JPEG, progressive": encode(rgb, quality=90, progressive=True),
        "JPEG, progressive, 4:4:4": encode(rgb, quality=90, progressive=True, subsampling=0),
        "PNG": encode(rgb, "PNG", compress_level=1),
        "PNG, transparent": encode(rgba, "PNG", compress_level=1),
        "PNG, grey, transparent": encode(layered, "PNG", compress_level=1),
        "PNG, grey, 16 bits": encode(grey.astype(np.uint16) * 257, "PNG", compress_level=1),
        "TIFF": encode(rgb, "TIFF"),
        "TIFF, turned by EXIF": encode(rgb, "TIFF", exif=exif(6)),
        "WebP": encode(rgb, "WEBP", quality=80, method=0),
        "HEIC": heic(rgb, quality=70, chroma=420, enc_params={"preset": "ultrafast"}),
    }


def grown_bytes(path: Path, target_px: int) -> int:
    """By how much the decoding of a file raises the most memory that a process of its own ever held."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_child, args=(path, target_px, theirs))
    process.start()
    grown = int(ours.recv())
    process.join()
    return grown


def _child(path: Path, target_px: int, pipe: Connection) -> None:
    for small in kinds(*SMALL_PX).values():  # so that no library is loaded while it is measured
        decode(small, target_px=target_px)
    data = path.read_bytes()
    before = _peak_bytes()
    decode(data, target_px=target_px)
    pipe.send(_peak_bytes() - before)


def _peak_bytes() -> int:
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
