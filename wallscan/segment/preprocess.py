"""The one way from pixels to the model's input, for training and inference. numpy and OpenCV only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError
from wallscan.models.delta import whole_folder
from wallscan.models.files import PREPROCESSOR

MAX_SIDE = 2048


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The model's square input: side in pixels, and mean and deviation of its channels in 0..1 units."""

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def read(cls, folder: Path) -> "InputSpec":
        """From transformers' `preprocessor_config.json`, a delta's from its base.

        `size` is a number, height and width, or the shortest edge. Raises BundleError `bundle_unloadable`,
        or `bundle_base_missing`.
        """
        try:
            config = json.loads((whole_folder(folder) / PREPROCESSOR).read_bytes())
            side = _side(config["size"])
            mean, std = (_triple(config[key]) for key in ("image_mean", "image_std"))
        except (ValueError, KeyError, TypeError) as error:
            raise BundleError(Code.BUNDLE_UNLOADABLE, f"{PREPROCESSOR} cannot be read: {error}") from error
        if not 0 < side <= MAX_SIDE or min(std) <= 0:
            raise BundleError(Code.BUNDLE_UNLOADABLE, f"{PREPROCESSOR} has a size or deviation out of range")
        return cls(side, mean, std)


def to_square(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An (H, W) or (H, W, C) image scaled to (side, side), aspect ratio given up as CLIPSeg expects.

    Shrinking averages over areas (thin cracks fade instead of breaking up), growing interpolates.
    """
    height, width = image.shape[:2]
    small = (min(width, side), min(height, side))
    if small != (width, height):
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    if small != (side, side):
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return image


def normalised(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.float32]:
    """(..., S, S, 3) uint8 RGB as (..., 3, S, S) float32 with the channels' mean 0 and deviation 1."""
    mean, std = (np.asarray(values, np.float32) * 255 for values in (spec.mean, spec.std))
    return np.ascontiguousarray(np.moveaxis((pixels - mean) / std, -1, -3), np.float32)


def preprocess(image: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.float32]:
    """An upright RGB photo (H, W, 3) uint8 as the model's input (3, S, S) float32."""
    return normalised(to_square(image, spec.side), spec)


def _side(size: int | Mapping[str, int]) -> int:
    if isinstance(size, int):
        return size
    if "shortest_edge" in size:
        return int(size["shortest_edge"])
    if size["height"] != size["width"]:
        raise ValueError("the input is not square")
    return int(size["height"])


def _triple(values: Iterable[float]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
