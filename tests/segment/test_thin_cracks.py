"""What tiles are for: thin cracks in photos of several megapixels, found by the shipped model.

Cracks whose every pixel is known are drawn on rendered walls and, where the environment variable
`WALLSCAN_TEST_WALLS` names a folder of JPEG photos of real walls without cracks, on those.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.thin_cracks import thin_photos
from benchmarks.tiles import Remembering, marked
from trainer.evaluation.metrics import Overlap
from wallscan.domain.looks import Detail
from wallscan.models import starter_bundle
from wallscan.segment.engine import load_engine

pytestmark = pytest.mark.slow
PHOTOS, SEED = 8, 4242
WALLS = os.environ.get("WALLSCAN_TEST_WALLS")
DETAILS = (Detail.WHOLE, Detail.TILES, Detail.ADAPTIVE)


@dataclass(frozen=True)
class Outcome:
    cracked: bool
    iou: dict[Detail, float]
    views: dict[Detail, int]


@pytest.fixture(scope="module", params=["rendered", "real"])
def outcomes(request):
    if request.param == "real" and WALLS is None:
        pytest.skip("WALLSCAN_TEST_WALLS names no folder of JPEG photos of real walls without cracks")
    walls = Path(WALLS) if request.param == "real" and WALLS else None
    engine = load_engine(starter_bundle())
    return [outcome(photo, Remembering(engine)) for photo in thin_photos(PHOTOS, SEED, walls)]


def outcome(photo, engine):
    iou, views = {}, {}
    for detail in DETAILS:
        engine.views = 0
        mask, _ = marked(photo, engine, detail)
        iou[detail], views[detail] = Overlap.of(mask, photo.truth).iou, engine.views
    return Outcome(bool(photo.truth.any()), iou, views)


def mean_iou(outcomes, detail):
    """Over the photos with cracks: of a clean one there is nothing to keep."""
    return fmean(one.iou[detail] for one in outcomes if one.cracked)


def test_detail_2_finds_five_points_of_iou_more_than_the_whole_photo(outcomes):
    assert mean_iou(outcomes, Detail.TILES) >= mean_iou(outcomes, Detail.WHOLE) + 0.05


def test_adaptive_keeps_the_iou_of_detail_2_in_two_fifths_of_its_views(outcomes):
    """A clean photo counts 1 where nothing is marked, else 0."""
    kept, asked = (fmean(one.iou[detail] for one in outcomes) for detail in (Detail.ADAPTIVE, Detail.TILES))
    assert kept >= 0.99 * asked
    views = {detail: sum(one.views[detail] for one in outcomes) for detail in DETAILS}
    assert views[Detail.TILES] == 21 * PHOTOS
    assert views[Detail.ADAPTIVE] <= 0.4 * views[Detail.TILES]
    assert mean_iou(outcomes, Detail.ADAPTIVE) >= mean_iou(outcomes, Detail.WHOLE) + 0.05
