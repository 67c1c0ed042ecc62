"""Painting on a canvas: (S, S, 3) float32 RGB in 0..255, changed in place."""

import random

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.float32]
SUPERSAMPLE = 2


def noise(shape: tuple[int, int], rng: random.Random) -> Canvas:
    """Standard normal values, float32."""
    return np.random.default_rng(rng.getrandbits(32)).standard_normal(shape, np.float32)


def smooth_noise(size: int, cells: int, rng: random.Random) -> Canvas:
    """(S, S) noise whose blobs are size / cells wide."""
    return cv2.resize(noise((cells, cells), rng), (size, size), interpolation=cv2.INTER_CUBIC).astype(
        np.float32
    )


def texture(colour: tuple[float, float, float], size: int, roughness: float, rng: random.Random) -> Canvas:
    """A plastered or papered surface (S, S, 3) of about `colour`, unevenly lit."""
    light = smooth_noise(size, 3, rng) * rng.uniform(2, 18)
    for cells in (12, 40, 100):
        light += smooth_noise(size, cells, rng) * rng.uniform(0, 6) * roughness * rng.random()
    light += noise((size, size), rng) * rng.uniform(0.5, 8) * roughness
    tint = np.array(colour, np.float32) + rng.uniform(-15, 10)
    if rng.random() < 0.25:
        patches = smooth_noise(size, rng.choice((4, 8, 14)), rng) > rng.uniform(0.5, 1.5)
        light += patches * rng.uniform(-35, 20)
    return (tint[None, None] + light[..., None]).astype(np.float32)


def blend(canvas: Canvas, alpha: Canvas, colour: NDArray[np.float32] | float) -> None:
    """Move the canvas towards `colour` by `alpha` ((S, S) in 0..1)."""
    canvas += alpha[..., None] * (colour - canvas)


def line_layer(size: int, points: NDArray[np.float64], widths: NDArray[np.float64]) -> Canvas:
    """An antialiased line of changing width as (S, S) coverage in 0..1; widths under a pixel become faint."""
    scale = 8 * SUPERSAMPLE
    layer = np.zeros((size * SUPERSAMPLE, size * SUPERSAMPLE), np.uint8)
    fixed = np.round(points * scale).astype(np.int64)
    for start, end, width in zip(fixed[:-1], fixed[1:], widths, strict=False):
        thickness = max(1, round(width * SUPERSAMPLE))
        value = round(255 * min(1.0, width * SUPERSAMPLE / thickness))
        cv2.line(layer, tuple(map(int, start)), tuple(map(int, end)), value, thickness, cv2.LINE_AA, 3)
    small = cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
