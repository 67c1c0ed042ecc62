"""What versions are compared on: a data set frozen by its hash, or walls rendered from a seed."""

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from trainer.data import Region, Sample, SplitBy, parts, read_samples
from trainer.render import render
from wallscan.photos.masks import encode_rle

RENDERED = "rendered walls"
SEED = 20_001
WALLS_PER_KIND = 40
SIDE_PX = 480
FURNITURE_SHARE = 0.5
KINDS = ("crack", "drywall joint", None)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Annotated photos, their name for people, and the SHA-256 (hex) that freezes them.

    `left_out` counts photos that are none of the samples, since a version that is judged learnt from them.
    """

    name: str
    sha256: str
    samples: Sequence[Sample]
    left_out: int = 0


def annotated(name: str, sha256: str, folder: Path) -> Benchmark:
    """The validation photos of a data set in `folder`; all its photos where it sets none apart.

    Raises TrainingError `folder_without_photos`.
    """
    samples, _ = read_samples([folder])
    return Benchmark(name, sha256, parts(samples, SplitBy.OFFICIAL).get("valid") or samples)


@contextmanager
def rendered_walls(per_kind: int = WALLS_PER_KIND) -> Iterator[Benchmark]:
    """Walls with cracks, with joints and with neither, the same ones each time; there while the block runs.

    What a model learnt on rendered walls flatters it here; between two such models the comparison is fair.
    """
    with TemporaryDirectory(prefix="wallscan-benchmark-") as temporary:
        rng, digest = random.Random(SEED), hashlib.sha256()
        samples = []
        for number in range(per_kind * len(KINDS)):
            kind = KINDS[number % len(KINDS)]
            pixels, label = render(kind, SIDE_PX, rng, FURNITURE_SHARE)
            mask = np.where(label > 127, np.uint8(255), np.uint8(0))
            path = Path(temporary, f"{number:03}.png")
            cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
            digest.update(pixels.tobytes() + mask.tobytes())
            samples.append(Sample(path, _shapes(kind, mask), path.stem))
        yield Benchmark(RENDERED, digest.hexdigest(), samples)


def _shapes(kind: str | None, mask: np.ndarray) -> Mapping[str, tuple[Region, ...]]:
    """All that is there is annotated: what a wall was not rendered with is not on it."""
    return {
        family: (Region(encode_rle(mask)),) if family == kind else ()
        for family in KINDS
        if family is not None
    }
