"""Photos decoded for drawing frames: the latest ones are kept, within a bound."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data import Sample, Shape, load_rgb
from trainer.phrases import FAMILIES, JOINT
from trainer.seams import Lines, find_seam

Image = NDArray[np.uint8]
CACHE_BYTES = 1 << 30
"""What one process keeps, so that several stay within a machine's memory whatever is learnt from: some 520
photos of 640 x 640 pixels, or 17 of 12 megapixels. To decode one anew takes twice as long as to cut a frame
from it.
"""


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """Pixels (H, W, 3), a mask (H, W) of 0 and 255 for each family whose truth is known, and the lines in the
    boxes of joints (None: it cannot be turned).
    """

    image: Image
    masks: Mapping[str, Image]
    seams: Sequence[Lines] | None

    @property
    def nbytes(self) -> int:
        """What it takes, in bytes: 5 a pixel with two masks, so 2.05 MB at 640 x 640 pixels."""
        return self.image.nbytes + sum(mask.nbytes for mask in self.masks.values())


class PhotoCache:
    """Decodes photos and keeps the ones asked for last, up to `limit` bytes in all."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, DecodedPhoto] = OrderedDict()
        self.nbytes = 0

    def photo(self, sample: Sample) -> DecodedPhoto:
        """The sample's photo, to be read alone. Raises ValueError when it cannot be decoded."""
        key = str(sample.image)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        photo = _decoded(sample)
        self._kept[key] = photo
        self.nbytes += photo.nbytes
        while self.nbytes > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self.nbytes -= oldest.nbytes
        return photo


def _decoded(sample: Sample) -> DecodedPhoto:
    image = load_rgb(sample.image)
    known = (family for family in FAMILIES if family not in sample.unsettled)
    masks = {family: sample.truth(family, *image.shape[:2]) for family in known}
    return DecodedPhoto(image, masks, _seams(sample, image))


def _seams(sample: Sample, image: Image) -> list[Lines] | None:
    """The lines in the joint boxes; None where a frame cannot be turned.

    So where another family has boxes, whose content is unknown, or joints are marked in two ways: boxes are
    drawn anew round the turned lines, and would take the place of the others.
    """
    if any(shape.is_box for family, shapes in sample.shapes.items() if family != JOINT for shape in shapes):
        return None
    if len({shape.is_box for shape in sample.shapes.get(JOINT, ())}) > 1:
        return None
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return [
        find_seam(grey, shape.points)
        for shape in sample.shapes.get(JOINT, ())
        if isinstance(shape, Shape) and shape.is_box
    ]
