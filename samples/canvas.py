"""The picture under construction: light, paint and the masks that grow with it."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Layer = npt.NDArray[np.float32]
Rgb = tuple[float, float, float]

FULL_WIDTH_PX = 4000
"""All lengths in these modules are pixels of a photo this wide; a smaller rendering scales them."""


@dataclass
class Canvas:
    """A wall being painted, in linear steps: `rgb` (H, W, 3) 0 to 255; `crack`, `joint` (H, W) 0 to 1."""

    rgb: Layer
    crack: Layer
    joint: Layer
    rng: np.random.Generator
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in rendered pixels."""
        return self.crack.shape[0], self.crack.shape[1]

    def px(self, full_px: float) -> float:
        """A length of the full-size photo in rendered pixels."""
        return full_px * self.scale

    def blend(self, alpha: Layer, colour: Rgb | Layer) -> None:
        """Paint `colour` over the picture where `alpha` (H, W, 0 to 1) says."""
        self.rgb += alpha[:, :, None] * (np.asarray(colour, np.float32) - self.rgb)

    def shade(self, alpha: Layer, factor: float) -> None:
        """Multiply the light by `factor` where `alpha` is 1."""
        self.rgb *= (1 + alpha * np.float32(factor - 1))[:, :, None]

    def cover(self, alpha: Layer, colour: Rgb | Layer) -> None:
        """Put an object on the wall: it hides cracks and joints."""
        self.blend(alpha, colour)
        self.crack *= 1 - alpha
        self.joint *= 1 - alpha


def new_canvas(width_px: int, height_px: int, paint: Rgb, seed: int) -> Canvas:
    """An evenly painted wall. `width_px` over the longer side sets the scale."""
    shape = (height_px, width_px)
    return Canvas(
        rgb=np.full((*shape, 3), paint, np.float32),
        crack=np.zeros(shape, np.float32),
        joint=np.zeros(shape, np.float32),
        rng=np.random.default_rng(seed),
        scale=max(shape) / FULL_WIDTH_PX,
    )


def soft(layer: Layer, sigma_px: float) -> Layer:
    """Gaussian blur; large ones are done on a reduced copy, which looks the same and is quick."""
    factor = max(1, int(sigma_px // 6))
    height, width = layer.shape[:2]
    small = cv2.resize(
        layer, (max(1, width // factor), max(1, height // factor)), interpolation=cv2.INTER_AREA
    )
    blurred = cv2.GaussianBlur(small, (0, 0), max(sigma_px / factor, 0.3))
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def noise(canvas: Canvas, grain_x_px: float, grain_y_px: float) -> Layer:
    """Smooth random field (H, W), standard deviation about 1, with grains of the given full-size lengths."""
    height, width = canvas.shape
    columns = max(4, round(width / max(canvas.px(grain_x_px), 1)))
    rows = max(4, round(height / max(canvas.px(grain_y_px), 1)))
    coarse = canvas.rng.standard_normal((rows, columns)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return (field / max(float(field.std()), 1e-6)).astype(np.float32)


def polygon(canvas: Canvas, points: npt.ArrayLike) -> Layer:
    """Anti-aliased filled polygon, corners in full-size pixels (x, y)."""
    corners = np.asarray(points, np.float64) * canvas.scale * 16
    layer = np.zeros(canvas.shape, np.uint8)
    cv2.fillPoly(layer, [np.rint(corners).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return layer.astype(np.float32) / np.float32(255)


def rectangle(canvas: Canvas, left: float, top: float, right: float, bottom: float) -> Layer:
    """Anti-aliased upright rectangle in full-size pixels."""
    return polygon(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)])


def disc(canvas: Canvas, x: float, y: float, radius: float) -> Layer:
    """Anti-aliased disc in full-size pixels."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return polygon(canvas, np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1))


def shifted(layer: Layer, x_px: float, y_px: float) -> Layer:
    """The layer moved by rendered pixels; what comes in from outside is 0."""
    matrix = np.array([[1, 0, x_px], [0, 1, y_px]], np.float32)
    return cv2.warpAffine(layer, matrix, (layer.shape[1], layer.shape[0])).astype(np.float32)
