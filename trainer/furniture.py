"""Things on a wall that have lines and dots but are neither cracks nor joints, drawn onto rendered walls.

A canvas is (S, S, 3) float32 RGB in 0..255 and is painted in place; `unit` is one px of a 320-px frame.
"""

import math
import random

import cv2
import numpy as np

from trainer.canvas import Canvas

LETTERS = "ABCDEFGHIKLMNOPRSTUVWabcdefghiklmnoprstuw 0123456789/&"


def furnish(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """One to three pieces."""
    for draw in rng.sample((_skirting, _socket, _pipe, _screws, _print), rng.choice((1, 1, 2, 3))):
        draw(canvas, unit, rng)


def _turned(canvas: Canvas, rng: random.Random) -> Canvas:
    """A view of the canvas turned by quarters: what is painted on it lands on the canvas."""
    return np.rot90(canvas, rng.randrange(4))


def _skirting(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """A skirting board, door frame or ceiling edge: a plain band with edges, and what lies behind it."""
    view, size = _turned(canvas, rng), len(canvas)
    top = size - round(size * rng.uniform(0.05, 0.35))
    height = round(size * rng.uniform(0.03, 0.14))
    colour = np.array([rng.uniform(170, 245)] * 3, np.float32) - np.array([0, 2, 6], np.float32)
    behind = np.array([rng.uniform(40, 200), rng.uniform(40, 160), rng.uniform(30, 140)], np.float32)
    start, stop = (0, size) if rng.random() < 0.7 else sorted(rng.sample(range(size), 2))
    view[top + height :, start:stop] = behind
    view[top : top + height, start:stop] = colour
    for row, change in ((top - 1, -40), (top, 20), (top + height // 3, -25), (top + height - 1, -60)):
        thick = max(1, round(unit * rng.uniform(0.5, 2)))
        view[max(0, row) : row + thick, start:stop] += change * rng.uniform(0.3, 1.2)


def _socket(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """Sockets and switches: a light square with a shadow, a disc and two holes."""
    size = len(canvas)
    side = round(size * rng.uniform(0.05, 0.16))
    x, y = (rng.randrange(0, size - side) for _ in range(2))
    shade, edge = rng.uniform(190, 250), max(1, round(unit))
    cv2.rectangle(canvas, (x + edge, y + edge), (x + side + edge, y + side + edge), (shade * 0.6,) * 3, -1)
    cv2.rectangle(canvas, (x, y), (x + side, y + side), (shade,) * 3, -1)
    middle = (x + side // 2, y + side // 2)
    cv2.circle(canvas, middle, round(side * 0.33), (shade * rng.uniform(0.75, 0.95),) * 3, -1, cv2.LINE_AA)
    for step in (-1, 1):
        hole = (middle[0] + step * round(side * 0.13), middle[1])
        cv2.circle(canvas, hole, max(1, round(side * 0.05)), (rng.uniform(20, 90),) * 3, -1, cv2.LINE_AA)


def _pipe(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """A pipe or conduit across the wall: round shading, a shadow beside it, clips."""
    view, size = _turned(canvas, rng), len(canvas)
    width = max(2, round(unit * rng.uniform(3, 16)))
    left = rng.randrange(0, size - width)
    across = np.sin(np.linspace(0.15, math.pi - 0.15, width)) ** rng.uniform(0.4, 1.5)
    view[:, left : left + width] = rng.uniform(120, 240) * across[None, :, None]
    shadow = slice(left + width, left + width + max(1, round(unit * rng.uniform(1, 6))))
    view[:, shadow] *= rng.uniform(0.45, 0.9)
    for _ in range(rng.randrange(4)):
        row = rng.randrange(size)
        clip = (slice(row, row + max(2, round(3 * unit))), slice(max(0, left - 2), left + width + 2))
        view[clip] = rng.uniform(100, 250)


def _screws(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """Screw heads in rows, dark or filled over."""
    size, radius = len(canvas), max(1, round(unit * rng.uniform(0.8, 5)))
    pitch, start = size * rng.uniform(0.08, 0.3), rng.uniform(0, 0.2) * size
    dark = rng.random() < 0.6
    for column in range(rng.choice((1, 2, 3))):
        x = rng.uniform(0.05, 0.95) * size
        for row in range(int(size / pitch) + 1):
            y = start + row * pitch + rng.uniform(-2, 2) * unit
            shade = rng.uniform(20, 90) if dark else rng.uniform(190, 245)
            at = (round(x + rng.uniform(-2, 2) * unit), round(y))
            if column % 2:
                at = at[::-1]
            cv2.circle(canvas, at, radius, (shade,) * 3, -1, cv2.LINE_AA)


def _print(canvas: Canvas, unit: float, rng: random.Random) -> None:
    """Lettering, as boards carry."""
    size = len(canvas)
    layer = np.zeros((size, size), np.uint8)
    text = "".join(rng.choice(LETTERS) for _ in range(24))
    at = (rng.randrange(-20, size // 2), rng.randrange(size // 10, size))
    cv2.putText(layer, text, at, rng.randrange(4), unit * rng.uniform(0.2, 0.8), 255, 1, cv2.LINE_AA)
    alpha = np.rot90(layer, rng.randrange(4)).astype(np.float32)[..., None] / 255 * rng.uniform(0.3, 0.9)
    canvas += alpha * (rng.uniform(20, 120) - canvas)
