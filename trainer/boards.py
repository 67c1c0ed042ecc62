"""Rendered plasterboards with seams, alone or standing in a room, labelled as annotators do.

A seam is a thin straight line; its label is the axis-aligned box that holds the line, however the line
leans. Lengths are in px of a 320-px frame times `unit`.
"""

import math
import random

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.canvas import Canvas, blend, line_layer, texture
from trainer.furniture import LETTERS, furnish

Image = NDArray[np.uint8]
Line = NDArray[np.float64]
BOARDS = (
    (105, 165, 145), (95, 150, 130), (125, 175, 155), (142, 144, 150), (165, 166, 170), (120, 122, 128),
    (190, 180, 168), (178, 168, 158), (205, 196, 186), (222, 216, 206), (235, 232, 226),
)  # fmt: skip
ROOMS = ((225, 212, 190), (200, 195, 190), (90, 95, 90), (60, 70, 68), (120, 115, 110), (235, 230, 220))


def board(size: int, rng: random.Random, seams: bool, furniture_share: float) -> tuple[Image, Image]:
    """Pixels (S, S, 3) uint8 RGB and the seams' boxes as a mask (S, S) uint8 0..255."""
    unit = size / 320
    canvas = texture(rng.choice(BOARDS), size, 0.4, rng)
    corners = _outline(size, rng)
    if corners is not None:
        canvas = _in_a_room(canvas, corners, unit, rng)
    frame = corners if corners is not None else _whole(size)
    lines = _seam_lines(frame, rng) if seams else []
    if rng.random() < 0.4:
        _lettering(canvas, lines[0] if lines else _across(frame, 0.5, 0.5), unit, rng)
    if rng.random() < 0.5:
        _fixings(canvas, frame, unit, rng)
    if rng.random() < furniture_share:
        furnish(canvas, unit, rng)
    mask = np.zeros((size, size), np.uint8)
    look = (unit * math.exp(rng.uniform(math.log(0.4), math.log(2.5))), rng.uniform(0.25, 0.95))
    for line in lines:
        draw_seam(canvas, line, look, rng)
        mark_box(mask, line, unit * rng.uniform(2, 9))
    return np.clip(canvas, 0, 255).astype(np.uint8), mask


def draw_seam(canvas: Canvas, line: Line, look: tuple[float, float], rng: random.Random) -> None:
    """A gap from end to end of `line` ((2, 2) x, y): `look` is its width in px and its contrast in 0..1."""
    width, contrast = look
    points = line[0] + np.linspace(0, 1, 9)[:, None] * (line[1] - line[0])
    widths = width * np.array([rng.uniform(0.7, 1.3) for _ in points])
    shade = rng.uniform(10, 110) if rng.random() < 0.9 else 245.0
    if rng.random() < 0.2:  # a strip of tape or filler beside the gap
        strip = line_layer(len(canvas), points, widths * 0 + width * rng.uniform(4, 12))
        blend(canvas, strip * rng.uniform(0.1, 0.5), rng.uniform(180, 240))
    blend(canvas, line_layer(len(canvas), points, widths) * contrast, shade)


def mark_box(mask: Image, line: Line, margin: float) -> None:
    """Fill the box round what the frame shows of `line`, `margin` px wider on every side."""
    size = len(mask)
    scaled = np.round(line).astype(int)
    seen, start, end = cv2.clipLine(
        (0, 0, size, size), tuple(map(int, scaled[0])), tuple(map(int, scaled[1]))
    )
    if not seen:
        return
    low = np.floor(np.minimum(start, end) - margin).astype(int).clip(0, size)
    high = np.ceil(np.maximum(start, end) + margin).astype(int).clip(0, size)
    mask[low[1] : high[1], low[0] : high[0]] = 255


def _whole(size: int) -> Line:
    edge = size + 2.0
    return np.array([(-2.0, -2.0), (edge, -2.0), (edge, edge), (-2.0, edge)])


def _outline(size: int, rng: random.Random) -> Line | None:
    """A leaning board's four corners (4, 2) from top left, clockwise; None: it fills the frame."""
    if rng.random() < 0.35:
        return None
    width, height = (size * rng.uniform(0.35, 1.3) for _ in range(2))
    centre = np.array([rng.uniform(0.2, 0.8), rng.uniform(0.3, 0.8)]) * size
    angle = rng.gauss(0, 0.12) if rng.random() < 0.7 else rng.uniform(-math.pi, math.pi)
    turn = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    square = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]) * (width / 2, height / 2)
    lean = np.array([[rng.gauss(0, 0.02) * size for _ in range(2)] for _ in range(4)])
    return np.asarray(square @ turn.T + centre + lean, np.float64)


def _in_a_room(canvas: Canvas, corners: Line, unit: float, rng: random.Random) -> Canvas:
    """The board's texture inside `corners`, a wall behind it, often a floor, shadows at its edges."""
    size = len(canvas)
    room = texture(rng.choice(ROOMS), size, 1.0, rng)
    if rng.random() < 0.6:
        grey = rng.uniform(70, 170)
        floor = texture((grey, grey, grey), size, 1.5, rng)
        line = round(size * rng.uniform(0.5, 1.0))
        room[line:] = floor[line:]
    inside = np.zeros((size, size), np.float32)
    cv2.fillPoly(inside, [np.round(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    shadow = cv2.GaussianBlur(inside, (0, 0), unit * rng.uniform(1, 8)) * (1 - inside)
    room *= 1 - rng.uniform(0.2, 0.9) * shadow[..., None]
    merged = room + inside[..., None] * (canvas - room)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        edge = line_layer(size, np.array([start, end]), np.array([unit * rng.uniform(0.5, 2.5)]))
        blend(merged, edge * rng.uniform(0.1, 0.9), rng.choice((30.0, 90.0, 235.0)))
    return np.asarray(merged, np.float32)


def _across(frame: Line, start: float, end: float) -> Line:
    """From the share `start` of the top edge to the share `end` of the bottom edge."""
    top = frame[0] + start * (frame[1] - frame[0])
    bottom = frame[3] + end * (frame[2] - frame[3])
    return np.array([top, bottom])


def _seam_lines(frame: Line, rng: random.Random) -> list[Line]:
    """One or two seams right across, upright, leaning or diagonal; sometimes a second that meets it."""
    if rng.random() < 0.4:
        frame = np.roll(frame, rng.choice((1, 2, 3)), axis=0)
    at = rng.uniform(0.08, 0.92)
    lean = rng.choice((0.0, rng.gauss(0, 0.04), rng.gauss(0, 0.1), rng.uniform(-0.8, 0.8)))
    first = _across(frame, at, min(max(at + lean, 0.02), 0.98))
    draw = rng.random()
    if draw < 0.25:
        other = rng.uniform(0.05, 0.95)
        return [first, _across(frame, other, min(max(other + lean, 0.02), 0.98))]
    if draw < 0.45:  # a T: from the first one's middle to a side
        side = frame[[0, 3]] if rng.random() < 0.5 else frame[[1, 2]]
        where = rng.uniform(0.15, 0.85)
        target = side[0] + (where + rng.gauss(0, 0.03)) * (side[1] - side[0])
        return [first, np.array([first[0] + where * (first[1] - first[0]), target])]
    return [first]


def _lettering(canvas: Canvas, line: Line, unit: float, rng: random.Random) -> None:
    """The maker's print along `line`."""
    size = len(canvas)
    layer = np.zeros((size, size), np.uint8)
    text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(12, 30)))
    cv2.putText(
        layer, text, (0, size // 2), rng.randrange(4), unit * rng.uniform(0.2, 0.6), 255, 1, cv2.LINE_AA
    )
    along = line[1] - line[0]
    angle = -math.degrees(math.atan2(along[1], along[0]))
    turn = cv2.getRotationMatrix2D((0.0, size / 2), angle, 1.0)
    offset = np.array([rng.uniform(-14, 14), rng.uniform(-14, 14)]) * unit
    turn[:, 2] += line[0] + rng.uniform(0, 0.4) * along - (0.0, size / 2) + offset
    printed = cv2.warpAffine(layer, turn, (size, size)).astype(np.float32) / 255
    blend(canvas, np.asarray(printed * rng.uniform(0.3, 0.9), np.float32), rng.uniform(20, 130))


def _fixings(canvas: Canvas, frame: Line, unit: float, rng: random.Random) -> None:
    """Screw heads in loose rows."""
    rows, columns, radius = rng.randint(2, 7), rng.randint(2, 5), max(1, round(unit * rng.uniform(0.5, 2.2)))
    shade = rng.choice((50.0, 90.0, 225.0))
    for across in np.linspace(0.08, 0.92, columns):
        line = _across(frame, across, across)
        for share in np.linspace(0.06, 0.94, rows):
            place = line[0] + share * (line[1] - line[0]) + (rng.gauss(0, 2 * unit), rng.gauss(0, 2 * unit))
            cv2.circle(canvas, (round(place[0]), round(place[1])), radius, (shade,) * 3, -1, cv2.LINE_AA)
