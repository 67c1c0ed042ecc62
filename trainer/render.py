"""Rendered walls with cracks or seams and with things that are neither: endless data with a known truth.

Lengths are given for a frame 320 px wide and scale with `size`. Cracks are 0.5 to 7 px wide there, which
covers photos of a whole wall (a 10-px crack in a 4000-px photo is 0.8 px) as well as close-ups.
"""

import math
import random

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.boards import board
from trainer.canvas import Canvas, blend, line_layer, smooth_noise, texture
from trainer.furniture import furnish

Image = NDArray[np.uint8]
REFERENCE_SIZE = 320
BOARD_SHARE = 0.3
CLUTTER_SHARE = 0.22
WALL_COLOURS = (
    (235, 232, 225), (222, 214, 200), (200, 200, 198), (180, 176, 170), (150, 150, 150), (210, 190, 165),
    (190, 205, 215), (170, 190, 170), (225, 205, 205), (120, 118, 115), (185, 140, 115), (245, 245, 245),
)  # fmt: skip


def render(
    family: str | None, size: int, rng: random.Random, furniture_share: float = 0.0
) -> tuple[Image, Image]:
    """A wall of `family` ("crack", "drywall joint" or None for a clean one): pixels and mask.

    Pixels are (S, S, 3) uint8 RGB, the mask (S, S) uint8 0..255. `furniture_share` of the walls carry
    skirting boards, sockets, pipes and the like. Cracks and clean walls are on boards some of the time.
    """
    unit = size / REFERENCE_SIZE
    if family == "drywall joint":
        return board(size, rng, True, furniture_share)
    if rng.random() < BOARD_SHARE:
        canvas = board(size, rng, False, furniture_share)[0].astype(np.float32)
    else:
        canvas = _wall(size, unit, rng)
        if rng.random() < furniture_share:
            furnish(canvas, unit, rng)
    mask = np.zeros((size, size), np.uint8)
    if family == "crack":
        add_cracks(canvas, mask, rng)
    return np.clip(canvas, 0, 255).astype(np.uint8), mask


def add_cracks(canvas: Canvas, mask: Image, rng: random.Random) -> None:
    """Draw one to three cracks onto the canvas and, as loosely as annotators do, into the mask."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        _crack(canvas, mask, len(canvas) / REFERENCE_SIZE, rng)


def _wall(size: int, unit: float, rng: random.Random) -> Canvas:
    canvas = texture(rng.choice(WALL_COLOURS), size, 1.0, rng)
    for draw in (_edge, _shade, _stain, _cable, _dots, _tiles, _box):
        if rng.random() < CLUTTER_SHARE:
            draw(canvas, unit, rng)
    return canvas


def _walk(size: int, step: float, length: float, turn: float, rng: random.Random) -> NDArray[np.float64]:
    """A path that keeps its heading but jitters, as cracks do: (N, 2) x, y."""
    heading = rng.uniform(0, 2 * math.pi)
    drift, x, y = heading, rng.uniform(0.05, 0.95) * size, rng.uniform(0.05, 0.95) * size
    points = [(x, y)]
    for _ in range(max(4, int(length / step))):
        drift += rng.gauss(0, turn * 0.25)
        heading = 0.5 * heading + 0.5 * (drift + rng.gauss(0, turn))
        x, y = x + step * math.cos(heading), y + step * math.sin(heading)
        points.append((x, y))
    return np.array(points)


def _crack(canvas: Canvas, mask: Image, unit: float, rng: random.Random) -> None:
    size = len(canvas)
    width = unit * math.exp(rng.uniform(math.log(0.5), math.log(7)))
    path = _walk(size, rng.uniform(2.5, 8) * unit, size * rng.uniform(0.3, 1.4), rng.uniform(0.2, 1.1), rng)
    strokes = [(path, width)]
    for _ in range(rng.choice((0, 0, 0, 1, 2, 3))):
        branch = _walk(size, 4 * unit, size * rng.uniform(0.1, 0.5), 0.5, rng)
        strokes.append((branch - branch[0] + path[rng.randrange(len(path))], width * rng.uniform(0.4, 0.9)))
    darkness, colour = rng.uniform(0.35, 0.95), rng.uniform(0, 70)
    margin = unit * rng.uniform(1.5, 5.5) + 0.25 * width  # outlines are drawn loosely
    for points, base in strokes:
        swing = 1 + 0.35 * np.sin(np.linspace(0, rng.uniform(3, 20), len(points)) + rng.uniform(0, 6))
        jitter = np.array([rng.uniform(0.6, 1.4) for _ in points])
        taper = np.clip(np.minimum(np.arange(len(points)), np.arange(len(points))[::-1]) / 5, 0.4, 1)
        widths = base * swing * jitter * taper
        layer = line_layer(size, points, widths)
        if rng.random() < 0.4:
            blend(canvas, np.roll(layer, rng.choice((-1, 1)), rng.randrange(2)) * 0.4, 255.0)
        blend(canvas, layer * darkness, colour)
        label = line_layer(size, points, np.maximum(widths, unit) + 2 * margin * np.ones(len(points)))
        np.maximum(mask, (label * 255).astype(np.uint8), out=mask)


def _edge(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """A corner or a change of paint: everything past a line is lighter or darker."""
    size = len(canvas)
    angle, offset = rng.uniform(0, 2 * math.pi), rng.uniform(-0.4, 0.4) * size
    ys, xs = np.mgrid[0:size, 0:size].astype(np.float32) - size / 2
    side = xs * math.cos(angle) + ys * math.sin(angle) - offset
    alpha = np.clip(side / (unit * rng.uniform(0.5, 3)) + 0.5, 0, 1).astype(np.float32)
    canvas += alpha[..., None] * np.array([rng.uniform(-60, 40) for _ in range(3)], np.float32)


def _shade(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """A cast shadow with a soft border."""
    size = len(canvas)
    points = np.array([[rng.uniform(-0.2, 1.2) * size, rng.uniform(-0.2, 1.2) * size] for _ in range(4)])
    layer = np.zeros((size, size), np.float32)
    cv2.fillPoly(layer, [points.astype(np.int32)], 1.0)
    blend(canvas, cv2.GaussianBlur(layer, (0, 0), unit * rng.uniform(1, 12)) * rng.uniform(0.1, 0.5), 20.0)


def _stain(canvas: Canvas, _unit: float, rng: random.Random) -> None:
    """A blotch with a tinted rim, as damp leaves."""
    size = len(canvas)
    field = smooth_noise(size, rng.choice((5, 9)), rng)
    rim = np.exp(-((field - 0.8) ** 2) / 0.02) * 0.4 + np.clip(field - 0.8, 0, 0.3)
    colour = np.array((rng.uniform(90, 160), rng.uniform(70, 120), rng.uniform(40, 100)), np.float32)
    blend(canvas, (rim * rng.uniform(0.2, 0.8)).astype(np.float32), colour)


def _cable(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """A cable, pencil line or tape edge: smooth and of one width, unlike a crack."""
    size = len(canvas)
    t = np.linspace(0, 1, 40)[:, None]
    a, b, c = (np.array([rng.uniform(-0.1, 1.1) * size, rng.uniform(-0.1, 1.1) * size]) for _ in range(3))
    bend = rng.choice((0.0, 1.0))
    points = (1 - t) * a + t * b + bend * t * (1 - t) * (c - (a + b) / 2)
    width = unit * rng.uniform(0.8, 7)
    layer = line_layer(size, points, np.full(len(points), width))
    blend(canvas, layer * rng.uniform(0.3, 1.0), rng.choice((rng.uniform(10, 90), rng.uniform(200, 255))))


def _dots(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """Screw heads, pits and holes."""
    size = len(canvas)
    layer = np.zeros((size, size), np.float32)
    for _ in range(rng.randint(2, 30)):
        centre = (rng.randrange(size), rng.randrange(size))
        cv2.circle(
            layer, centre, max(1, round(unit * rng.uniform(0.6, 4))), rng.uniform(0.3, 1.0), -1, cv2.LINE_AA
        )
    blend(canvas, layer * rng.uniform(0.3, 0.9), rng.choice((30.0, 230.0)))


def _tiles(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """A grid of straight gaps: tiles, bricks, formwork."""
    size = len(canvas)
    pitch_x, pitch_y = (rng.uniform(25, 120) * unit for _ in range(2))
    layer = np.zeros((size, size), np.float32)
    thickness = max(1, round(unit * rng.uniform(0.6, 4)))
    for x in np.arange(rng.uniform(0, pitch_x), size, pitch_x):
        cv2.line(layer, (int(x), 0), (int(x), size), 1.0, thickness)
    for y in np.arange(rng.uniform(0, pitch_y), size, pitch_y):
        cv2.line(layer, (0, int(y)), (size, int(y)), 1.0, thickness)
    blend(canvas, layer * rng.uniform(0.1, 0.6), rng.choice((60.0, 220.0)))


def _box(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """A socket, door or picture: a rectangle with a border."""
    size = len(canvas)
    x, y = rng.randrange(size), rng.randrange(size)
    far = (x + round(size * rng.uniform(0.05, 0.5)), y + round(size * rng.uniform(0.05, 0.6)))
    colour = [rng.uniform(20, 250) for _ in range(3)]
    cv2.rectangle(canvas, (x, y), far, colour, -1)
    cv2.rectangle(
        canvas, (x, y), far, [value * rng.uniform(0.5, 0.9) for value in colour], max(1, round(2 * unit))
    )
