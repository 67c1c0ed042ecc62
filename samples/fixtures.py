"""What else is on a wall: boards, seams, skirting, sockets, door frames, conduits, and their shadows."""

import cv2
import numpy as np

from samples.canvas import FULL_WIDTH_PX, Canvas, Layer, Rgb, disc, noise, polygon, rectangle, shifted, soft

_WHITE: Rgb = (232, 230, 225)


def _drop_shadow(canvas: Canvas, alpha: Layer, reach: float, depth: float) -> None:
    offset = canvas.px(reach)
    canvas.shade(soft(shifted(alpha, offset, offset), offset * 0.7) * (1 - alpha), depth)


def skirting(canvas: Canvas, top: float, floor: Rgb = (128, 104, 82)) -> None:
    """A painted board along the foot of the wall, a floor below it."""
    bottom, below = top + 330, 1.2 * FULL_WIDTH_PX
    board = rectangle(canvas, -9, top, FULL_WIDTH_PX + 9, bottom)
    canvas.shade(soft(rectangle(canvas, -9, top - 26, FULL_WIDTH_PX + 9, top), canvas.px(14)), 0.80)
    canvas.cover(board, _WHITE)
    canvas.shade(soft(rectangle(canvas, -9, top, FULL_WIDTH_PX + 9, top + 22), canvas.px(4)) * board, 1.07)
    canvas.shade(soft(rectangle(canvas, -9, top + 60, FULL_WIDTH_PX + 9, top + 70), canvas.px(3)), 0.86)
    ground = rectangle(canvas, -9, bottom, FULL_WIDTH_PX + 9, below)
    grain = noise(canvas, 900, 14)[:, :, None] * 7 + np.asarray(floor, np.float32)
    canvas.cover(ground, grain.astype(np.float32))
    canvas.shade(soft(rectangle(canvas, -9, bottom - 8, FULL_WIDTH_PX + 9, bottom + 34), canvas.px(12)), 0.55)


def socket(canvas: Canvas, x: float, y: float, size: float = 400) -> None:
    """A wall socket with its plate, well and two holes."""
    plate = _rounded(canvas, x, y, size, size * 0.08)
    _drop_shadow(canvas, plate, 12, 0.66)
    canvas.cover(plate, (240, 239, 234))
    inner = _rounded(canvas, x + size * 0.09, y + size * 0.09, size * 0.82, size * 0.05)
    canvas.shade(np.clip(soft(inner, canvas.px(3)) - inner, 0, 1), 0.72)
    centre = (x + size / 2, y + size / 2)
    well = disc(canvas, *centre, size * 0.3)
    canvas.shade(well, 0.88)
    canvas.shade(soft(np.clip(well - shifted(well, canvas.px(14), canvas.px(14)), 0, 1), canvas.px(6)), 0.7)
    for side in (-1, 1):
        canvas.blend(disc(canvas, centre[0] + side * size * 0.13, centre[1], size * 0.035), (52, 50, 48))


def _rounded(canvas: Canvas, x: float, y: float, size: float, radius: float) -> Layer:
    body = np.maximum(
        rectangle(canvas, x + radius, y, x + size - radius, y + size),
        rectangle(canvas, x, y + radius, x + size, y + size - radius),
    )
    for corner_x in (x + radius, x + size - radius):
        for corner_y in (y + radius, y + size - radius):
            body = np.maximum(body, disc(canvas, corner_x, corner_y, radius))
    return body


def door_frame(canvas: Canvas, left: float, top: float) -> None:
    """The upper left corner of a door: architrave from (left, top), a door leaf inside it."""
    far, deep, width = FULL_WIDTH_PX * 1.1, FULL_WIDTH_PX * 1.1, 260
    frame = rectangle(canvas, left, top, far, deep)
    _drop_shadow(canvas, np.maximum(frame, 0), -14, 0.75)
    canvas.cover(frame, _WHITE)
    for inset, depth in ((18, 0.88), (70, 0.93), (width - 30, 0.86)):
        ring = rectangle(canvas, left + inset, top + inset, far, deep)
        ring -= rectangle(canvas, left + inset + 9, top + inset + 9, far, deep)
        canvas.shade(soft(ring, canvas.px(3)), depth)
    leaf = rectangle(canvas, left + width, top + width, far, deep)
    grain = noise(canvas, 16, 1100)[:, :, None] * 6 + np.asarray((146, 116, 86), np.float32)
    canvas.cover(leaf, grain.astype(np.float32))
    edge = leaf - rectangle(canvas, left + width + 60, top + width + 60, far, deep)
    canvas.shade(soft(edge, canvas.px(24)) * leaf, 0.5)


def conduit(canvas: Canvas, x: float) -> None:
    """A grey plastic pipe down the wall, held by clips; its shadow is straight and dark, and no crack."""
    pipe = rectangle(canvas, x, -9, x + 90, FULL_WIDTH_PX)
    _drop_shadow(canvas, pipe, 26, 0.58)
    canvas.cover(pipe, (188, 189, 188))
    for offset, depth in ((0, 0.72), (24, 1.10), (66, 0.80)):
        canvas.shade(
            soft(rectangle(canvas, x + offset, -9, x + offset + 22, FULL_WIDTH_PX), canvas.px(9)) * pipe,
            depth,
        )
    for y in (520, 1760, 3000):
        clip = rectangle(canvas, x - 26, y, x + 116, y + 64)
        _drop_shadow(canvas, clip, 9, 0.7)
        canvas.cover(clip, (204, 204, 202))


def ceiling(canvas: Canvas, left_y: float, right_y: float) -> None:
    """The ceiling above a slightly tilted edge, with the soft dark line where it meets the wall."""
    corners = [(-9, -9), (FULL_WIDTH_PX + 9, -9), (FULL_WIDTH_PX + 9, right_y), (-9, left_y)]
    above = polygon(canvas, corners)
    canvas.cover(above, (222, 221, 218))
    lower = soft(np.abs(above - shifted(above, 0, canvas.px(16))), canvas.px(14))
    canvas.shade(lower, 0.80)
    canvas.shade(soft(above, canvas.px(130)) * (1 - above), 0.93)


def raw_seam(
    canvas: Canvas, points: tuple[tuple[float, float], tuple[float, float]], gap: float = 13
) -> None:
    """Two boards meet: a thin dark gap between tapered edges. The joint is the strip of both edges."""
    line = _band(canvas, points, gap)
    strip = _band(canvas, points, 200)
    canvas.shade(soft(strip, canvas.px(40)), 0.975)
    canvas.shade(soft(_band(canvas, points, gap * 2.2), canvas.px(5)), 0.86)
    canvas.blend(line * 0.85, (74, 70, 66))
    canvas.joint = np.maximum(canvas.joint, strip)


def taped_seam(
    canvas: Canvas, points: tuple[tuple[float, float], tuple[float, float]], width: float = 420
) -> None:
    """A seam under tape and compound: a pale, straight band with feathered, trowelled edges."""
    band = _band(canvas, points, width)
    ragged = np.clip(
        soft(band, canvas.px(22)) * 1.25 + 0.05 * noise(canvas, 60, 60) * soft(band, canvas.px(40)), 0, 1
    )
    canvas.blend(ragged.astype(np.float32) * 0.88, (226, 222, 214))
    canvas.shade(ragged * np.clip(noise(canvas, 260, 26), -1, 1), 0.975)
    canvas.shade(soft(_band(canvas, points, width * 0.24), canvas.px(16)), 0.975)
    canvas.joint = np.maximum(canvas.joint, band)


def _band(canvas: Canvas, points: tuple[tuple[float, float], tuple[float, float]], width: float) -> Layer:
    start, end = np.asarray(points[0], float), np.asarray(points[1], float)
    along = (end - start) / np.linalg.norm(end - start)
    normal = np.array([-along[1], along[0]]) * width / 2
    return polygon(canvas, [start - normal, end - normal, end + normal, start + normal])


def screws(canvas: Canvas, x: float, *, filled: bool) -> None:
    """A column of drywall screws: bare heads, or round patches of compound."""
    for y in np.arange(260, 3900, 620) + canvas.rng.normal(0, 25, 6):
        place = (x + canvas.rng.normal(0, 14), float(y))
        if filled:
            canvas.blend(soft(disc(canvas, *place, 74), canvas.px(12)) * 0.8, (224, 220, 212))
            continue
        canvas.shade(soft(disc(canvas, *place, 34), canvas.px(8)), 0.86)
        canvas.blend(disc(canvas, *place, 24), (84, 84, 86))
        canvas.shade(disc(canvas, place[0] + 4, place[1] + 4, 9), 0.5)


def printed_text(canvas: Canvas, text: str, x: float, y: float) -> None:
    """The maker's print up along a board's edge."""
    stamp = np.zeros(canvas.shape[::-1], np.uint8)
    place = (int(canvas.px(y)), int(canvas.px(x)))
    weight = max(1, round(canvas.px(8)))
    cv2.putText(stamp, text, place, cv2.FONT_HERSHEY_PLAIN, canvas.px(7.5), 255, weight, cv2.LINE_AA)
    ink = np.ascontiguousarray(np.rot90(stamp)).astype(np.float32) / np.float32(255)
    canvas.blend(ink * 0.5 * np.clip(0.75 + 0.3 * noise(canvas, 12, 12), 0, 1), (98, 104, 120))


def cast_shadow(canvas: Canvas, points: list[tuple[float, float]], blur: float, depth: float) -> None:
    """Something outside the picture stands in the light."""
    canvas.shade(soft(polygon(canvas, points), canvas.px(blur)), depth)
