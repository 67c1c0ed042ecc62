"""Cracks: jagged walks with branches, dark inside, with a lit lip and a shaded one, and chipped paint."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from samples.canvas import Canvas, Layer, noise, polygon, shifted, soft

Path = npt.NDArray[np.float64]
_STEP = 11.0


@dataclass(frozen=True)
class Crack:
    """A crack in full-size pixels; `heading` is its mean direction in degrees, 0 right and 90 down."""

    x: float
    y: float
    heading: float
    length: float
    width: float
    branches: int


def draw_crack(canvas: Canvas, crack: Crack) -> None:
    """Add one crack with its branches to the picture and to the true mask."""
    alpha = np.zeros(canvas.shape, np.uint8)
    trunk = _walk(canvas.rng, (crack.x, crack.y), np.radians(crack.heading), crack.length)
    _stroke(canvas, alpha, trunk, crack.width)
    for _ in range(crack.branches):
        at = int(canvas.rng.uniform(0.15, 0.85) * len(trunk))
        side = canvas.rng.choice((-1, 1)) * canvas.rng.uniform(0.45, 1.0)
        length = crack.length * canvas.rng.uniform(0.15, 0.4)
        twig = _walk(canvas.rng, trunk[at], np.radians(crack.heading) + side, length)
        _stroke(canvas, alpha, twig, crack.width * canvas.rng.uniform(0.4, 0.6))
    layer = alpha.astype(np.float32) / np.float32(255)
    _chip(canvas, trunk)
    _shade(canvas, layer)
    canvas.crack = np.maximum(canvas.crack, layer)


def _walk(rng: np.random.Generator, start: npt.ArrayLike, heading: float, length: float) -> Path:
    """Points `_STEP` apart. The heading drifts slowly, returns, kinks at times, and jitters throughout."""
    steps = max(4, int(length / _STEP))
    drift, headings = 0.0, np.empty(steps)
    for step in range(steps):
        drift = 0.95 * drift + rng.normal(0, 0.07)
        if rng.random() < 0.06:
            drift += rng.normal(0, 0.75)
        headings[step] = heading + drift + rng.normal(0, 0.4)
    moves = np.stack([np.cos(headings), np.sin(headings)], axis=1) * _STEP
    return np.asarray(start, np.float64) + np.cumsum(moves, axis=0)


def _stroke(canvas: Canvas, alpha: npt.NDArray[np.uint8], path: Path, width: float) -> None:
    """Quads along the path; each side has its own ragged distance, both run out at the ends."""
    position = np.linspace(0, 1, len(path))
    taper = np.clip(np.minimum(position, 1 - position) * 9, 0.22, 1)
    half = width / 2 * taper * _between(canvas.rng, 0.5, 1.35, len(path), 18)
    tangent = np.gradient(path, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    left, right = (
        path + side * normal * (half * _between(canvas.rng, 0.5, 1.5, len(path), len(path) // 3))[:, None]
        for side in (1, -1)
    )
    for at in range(len(path) - 1):
        quad = np.array([left[at], left[at + 1], right[at + 1], right[at]])
        hull = cv2.convexHull(np.rint(quad * canvas.scale * 16).astype(np.int32))
        cv2.fillConvexPoly(alpha, hull, 255, cv2.LINE_AA, 4)


def _between(
    rng: np.random.Generator, low: float, high: float, count: int, knots: int
) -> npt.NDArray[np.float64]:
    """`count` numbers that wander between two bounds, straight between `knots` random ones."""
    values = rng.uniform(low, high, max(2, knots))
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(values)), values)


def _shade(canvas: Canvas, layer: Layer) -> None:
    """Light falls from the upper left: the far lip catches it, the near one throws its shadow inside."""
    reach = canvas.px(5)
    lip = np.clip(shifted(layer, reach, reach) - layer, 0, 1)
    canvas.shade(soft(layer, canvas.px(26)) * 0.9, 0.72)
    canvas.shade(soft(lip, canvas.px(2)), 1.10)
    inside = np.clip(shifted(layer, reach, reach), 0, 1) * layer
    depth = np.clip(0.75 + 0.35 * noise(canvas, 90, 90), 0.2, 1).astype(np.float32)
    canvas.blend(layer * 0.9, (98, 89, 80))
    canvas.blend(inside * depth * 0.9, (40, 36, 33))


def _chip(canvas: Canvas, path: Path) -> None:
    """A few flakes of paint are gone beside the crack and show the plaster."""
    for _ in range(int(canvas.rng.integers(2, 6))):
        centre = path[canvas.rng.integers(len(path))]
        angles = np.sort(canvas.rng.uniform(0, 2 * np.pi, 9))
        radius = canvas.rng.uniform(10, 38) * canvas.rng.uniform(0.6, 1.2, 9)
        flake = polygon(canvas, centre + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius[:, None])
        edge = np.clip(flake - shifted(flake, canvas.px(4), canvas.px(4)), 0, 1)
        canvas.blend(flake * 0.55, (206, 198, 186))
        canvas.shade(edge, 0.72)
