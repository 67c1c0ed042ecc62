"""Photos and engines whose every score is known beforehand."""

import datetime as dt

import cv2
import numpy as np

from trainer.data import Sample, Shape
from wallscan.models.manifest import BundleFile, Family, Manifest
from wallscan.segment.engine import Runtime

SIDE = 80
LEVELS = {"crack": 120, "cracks": 120, "drywall joint": 220}


def box(x0, y0, x1, y1):
    return Shape(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32), is_box=True)


def write_sample(folder, name, shapes, group=None, unsettled=frozenset()):
    """A photo that is brighter in each of its boxes, and its annotation."""
    image = np.full((SIDE, SIDE, 3), 40, np.uint8)
    sample = Sample(folder / f"{name}.png", shapes, group or name, unsettled=unsettled)
    for level, family in ((120, "crack"), (220, "drywall joint")):
        image[sample.truth(family, SIDE, SIDE) > 0] = level
    cv2.imwrite(str(sample.image), image)
    return sample


class KnowingEngine:
    """Sees cracks at grey level 120 and joints at 220, if asked by a phrase it knows.

    `fires_on` are prompts that find something in the upper left corner whatever the photo shows.
    """

    input_px = SIDE
    runtime = Runtime("tests", "1", "cpu", "float32")

    def __init__(self, fires_on=(), presence=0.0):
        self.fires_on = fires_on
        self.encoded = 0
        family = Family(name="crack", phrases=("crack", "cracks"), presence=presence)
        self.manifest = Manifest(
            name="tests/knowing",
            created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            licence="none",
            families=(family,),
            default_presence=0.0,
            files=(BundleFile(name="model.safetensors", size_bytes=0, sha256="0" * 64),),
        )

    def probabilities(self, image, prompts):
        self.encoded += 1
        return np.stack([self._map(image, prompt) for prompt in prompts])

    def _map(self, image, prompt):
        found = image[:, :, 0] == LEVELS.get(prompt, -1)
        answer = np.where(found, 0.9, 0.1).astype(np.float32)
        if prompt in self.fires_on:
            answer[:16, :16] = 0.9
        return answer
