import hashlib
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from tests.photos.corpus import bad_photos, odd_photos
from tests.photos.pictures import ORIENTATIONS, encode, exif, turned, wall
from tests.worker.tiny import make_tiny_bundle
from wallscan.domain.codes import Code
from wallscan.domain.errors import PhotoError, PromptError
from wallscan.domain.looks import Detail, Look
from wallscan.domain.pipelines import FOUNDING
from wallscan.models.manifest import Calibration, CoverageErrors, Family
from wallscan.photos.masks import decode_mask_png
from wallscan.segment.engine import Engine, load_engine
from worker.pipeline import analyse

PROMPTS = ("crack", "drywall joint")


@pytest.fixture(scope="module")
def tiny(bundle) -> Engine:
    return load_engine(bundle.folder)


def test_every_prompt_gets_a_mask_of_the_photos_size_and_its_numbers(tiny):
    analysis = analyse(encode(wall(640, 480)), PROMPTS, tiny, FOUNDING)
    assert len(analysis.findings) == 2
    for finding in analysis.findings:
        mask = decode_mask_png(finding.mask_png)
        assert mask.shape == (480, 640)
        assert finding.mask_sha256 == hashlib.sha256(finding.mask_png).hexdigest()
        assert finding.numbers.foreground_px == cv2.countNonZero(mask)
        assert finding.numbers.analysed_px == 640 * 480
    first, second = analysis.findings
    assert first.mask_png != second.mask_png


@pytest.mark.parametrize("detail", Detail)
def test_the_same_photo_gives_the_same_bytes_whatever_else_is_asked(tiny, detail):
    data, look = encode(wall(640, 480)), Look(detail)
    first, second = analyse(data, PROMPTS, tiny, FOUNDING, look).findings
    turned_round = analyse(data, PROMPTS[::-1], tiny, FOUNDING, look).findings
    assert turned_round == (second, first)
    assert analyse(data, PROMPTS[1:], tiny, FOUNDING, look).findings == (second,)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_masks_are_upright(tiny, orientation):
    upright = wall(896, 448)  # reduced by a whole factor without rest, so the same whichever way up
    plain = analyse(encode(upright, "PNG"), ("crack",), tiny, FOUNDING)
    stored = encode(turned(upright, orientation), "PNG", exif=exif(orientation))
    analysis = analyse(stored, ("crack",), tiny, FOUNDING)
    assert (analysis.facts.width_px, analysis.facts.height_px) == (896, 448)
    assert analysis.findings[0].mask_png == plain.findings[0].mask_png


@pytest.mark.parametrize("oddity", odd_photos())
def test_odd_photos_are_analysed(tiny, oddity):
    _, data = odd_photos()[oddity]
    analysis = analyse(data, ("crack",), tiny, FOUNDING)
    assert decode_mask_png(analysis.findings[0].mask_png).shape == (48, 64)


@pytest.mark.parametrize("fault", bad_photos())
def test_bad_photos_get_their_code(tiny, fault):
    _, data, code = bad_photos()[fault]
    with pytest.raises(PhotoError) as refused:
        analyse(data, ("crack",), tiny, FOUNDING)
    assert refused.value.code is code


def test_facts_are_those_of_the_camera_and_fit_their_columns(tiny):
    analysis = analyse(encode(wall(640, 480), exif=exif(camera=True)), ("crack",), tiny, FOUNDING)
    facts = analysis.facts
    assert (facts.media_type, facts.camera) == ("image/jpeg", "Canon EOS R8")
    assert facts.taken_at is not None
    assert facts.taken_at.isoformat() == "2026-03-14T15:09:26"
    assert facts.phash is not None
    assert -(2**63) <= facts.phash < 2**63


def test_any_text_is_a_prompt_up_to_the_models_length(tiny):
    analysis = analyse(encode(wall()), ("peeling paint, ünïcode 墙", "?1"), tiny, FOUNDING)
    assert len(analysis.findings) == 2
    with pytest.raises(PromptError) as refused:
        analyse(encode(wall()), ("crack " * 30,), tiny, FOUNDING)
    assert refused.value.code is Code.PROMPT_TOO_MANY_TOKENS


def test_below_the_presence_gate_the_mask_is_empty(tmp_path):
    make_tiny_bundle(tmp_path / "shut", presence=1.0)
    analysis = analyse(encode(wall(640, 480)), PROMPTS, load_engine(tmp_path / "shut"), FOUNDING)
    for finding in analysis.findings:
        assert not np.any(decode_mask_png(finding.mask_png))
        assert (finding.numbers.threshold, finding.numbers.coverage_pct) == (None, 0.0)


@pytest.mark.parametrize("detail", Detail)
def test_at_every_detail_the_mask_is_of_the_photos_size(tiny, detail):
    for width_px, height_px in ((640, 480), (48, 900), (1, 700)):
        analysis = analyse(
            encode(wall(width_px, height_px), "PNG"), PROMPTS, tiny, FOUNDING, Look(detail, flip=True)
        )
        for finding in analysis.findings:
            assert decode_mask_png(finding.mask_png).shape == (height_px, width_px)
            assert finding.view_cells > 0


def test_auto_leaves_a_small_photo_as_detail_1_does(tiny):
    data = encode(wall(64, 48))
    assert analyse(data, PROMPTS, tiny, FOUNDING, Look(Detail.AUTO)) == analyse(data, PROMPTS, tiny, FOUNDING)


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (Look(), True),
        (Look(Detail.AUTO), False),
        (Look(Detail.TILES), False),
        (Look(Detail.ADAPTIVE), False),
        (Look(flip=True), False),
    ],
)
def test_coverage_is_estimated_of_one_plain_view_of_the_photo_alone(tiny, look, told):
    family = Family(
        name="crack",
        phrases=("crack",),
        presence=0.0,
        calibration=Calibration(slope=1.0, intercept=0.0),
        coverage_errors=CoverageErrors(found=(-1.0, 1.0), silent=(0.0, 0.5)),
    )
    fitted: Any = SimpleNamespace(
        manifest=tiny.manifest.model_copy(update={"families": (family,)}),
        input_px=tiny.input_px,
        runtime=tiny.runtime,
        probabilities=tiny.probabilities,
    )
    (found,) = analyse(encode(wall(640, 480)), ("crack",), fitted, FOUNDING, look).findings
    numbers = found.numbers
    estimate = numbers.estimated_coverage_pct, numbers.estimated_low_pct, numbers.estimated_high_pct
    assert [value is not None for value in estimate] == [told] * 3


@pytest.mark.parametrize("orientation", [6, 8])
def test_tiles_are_upright(tiny, orientation):
    upright = wall(896, 448)
    look = Look(Detail.TILES)
    plain = analyse(encode(upright, "PNG"), ("crack",), tiny, FOUNDING, look)
    stored = encode(turned(upright, orientation), "PNG", exif=exif(orientation))
    assert (
        analyse(stored, ("crack",), tiny, FOUNDING, look).findings[0].mask_png == plain.findings[0].mask_png
    )
