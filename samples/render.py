"""Renders the sample photos and their true masks, the same ones every time: `python -m samples.render`."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from samples.canvas import FULL_WIDTH_PX, Canvas, new_canvas, noise, soft
from samples.shots import Shot, all_shots
from wallscan.photos.masks import Mask, encode_rle

HERE = Path(__file__).parent
_ASPECT = 3 / 4
_JPEG_QUALITY = 82


@dataclass(frozen=True)
class Rendered:
    """An upright photo (H, W, 3) uint8 and, per prompt, its true mask (H, W) uint8 0/255."""

    pixels: npt.NDArray[np.uint8]
    masks: Mapping[str, Mask]


def render(shot: Shot, long_side_px: int = FULL_WIDTH_PX) -> Rendered:
    """One photo at any size. The same size gives the same pixels; other sizes, nearly the same picture."""
    short_side_px = round(long_side_px * _ASPECT)
    size = (short_side_px, long_side_px) if shot.portrait else (long_side_px, short_side_px)
    canvas = new_canvas(*size, shot.paint, shot.seed)
    _texture(canvas, shot.texture)
    for step in shot.steps:
        step(canvas)
    _tilt(canvas, shot.tilt)
    _light(canvas, shot.light_from)
    _camera(canvas)
    masks = {"crack": canvas.crack, "drywall joint": canvas.joint}
    return Rendered(
        np.rint(canvas.rgb).clip(0, 255).astype(np.uint8),
        {prompt: ((alpha > 0.5) * 255).astype(np.uint8) for prompt, alpha in masks.items()},
    )


def _texture(canvas: Canvas, strength: float) -> None:
    """Uneven paint, roller strokes and their fine relief."""
    relief = (
        0.004 * noise(canvas, 1400, 1100) + 0.0035 * noise(canvas, 40, 150) + 0.003 * noise(canvas, 11, 15)
    )
    canvas.rgb *= (1 + strength * relief)[:, :, None]
    canvas.rgb[:, :, 2] *= 1 + 0.004 * noise(canvas, 1800, 1500)


def _tilt(canvas: Canvas, amount: float) -> None:
    """The camera was not held square to the wall."""
    height, width = canvas.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    pull = abs(amount) * height
    moved = corners.copy()
    side = slice(1, 3) if amount > 0 else slice(0, 4, 3)
    moved[side, 1] += np.array([-pull, pull], np.float32)
    moved[:, 0] += np.array([-pull, pull, pull, -pull], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    for name in ("rgb", "crack", "joint"):
        turned = cv2.warpPerspective(
            getattr(canvas, name), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        setattr(canvas, name, turned.astype(np.float32))


def _light(canvas: Canvas, light_from: tuple[float, float]) -> None:
    """A window on one side, its light falling off, and the lens darker in the corners."""
    height, width = canvas.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width, y / height
    distance = np.hypot(x - light_from[0], (y - light_from[1]) * _ASPECT)
    falling = 1.14 - 0.34 * distance
    corner = 1 - 0.22 * (((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.5) ** 1.5
    warmth = (distance - 0.5) * 0.035
    canvas.rgb *= (falling * corner)[:, :, None]
    canvas.rgb *= np.stack([1 - warmth, np.ones_like(warmth), 1 + warmth], axis=2)


def _camera(canvas: Canvas) -> None:
    """A lens that is not quite sharp and a sensor that is not quite quiet."""
    canvas.rgb = soft(canvas.rgb, max(canvas.px(1.1), 0.3))
    canvas.rgb += canvas.rng.normal(0, 1.3, (*canvas.shape, 1)).astype(np.float32)


def photo_jpeg(rendered: Rendered, shot: Shot) -> bytes:
    """The photo as a camera would write it; a portrait lies on its side with EXIF orientation 6."""
    stored = np.rot90(rendered.pixels) if shot.portrait else rendered.pixels
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "wallscan", "rendered sample"
    exif[0x0112] = 6 if shot.portrait else 1
    exif[0x0132] = f"2026:03:1{shot.seed // 10} 10:0{shot.seed % 10}:00"
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(stored))
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY, exif=exif, optimize=True)
    return buffer.getvalue()


def truth_of(rendered: Rendered) -> dict[str, object]:
    """Size, and per prompt the true share in per cent and the mask as COCO run lengths."""
    height, width = rendered.pixels.shape[:2]
    prompts = {
        prompt: {"coverage_pct": round(100 * float((mask > 0).mean()), 5), "rle": encode_rle(mask)}
        for prompt, mask in rendered.masks.items()
    }
    return {"width_px": width, "height_px": height, "prompts": prompts}


def main() -> None:
    """Write `photos/` and `truth.json` beside this file."""
    truth = {}
    for shot in all_shots():
        rendered = render(shot)
        file = HERE / "photos" / shot.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photo_jpeg(rendered, shot))
        truth[shot.path] = truth_of(rendered)
        print(f"{shot.path}: {file.stat().st_size / 1000:.0f} kB")
    text = json.dumps({"photos": truth}, ensure_ascii=False, indent=1)
    (HERE / "truth.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
