import random
import unicodedata

import cv2
import numpy as np
import pytest

from tests.trainer.data import document, noted, object_xml, read, write_image
from tests.trainer.evaluation.scene import KnowingEngine
from trainer.data.report import Reason
from trainer.evaluation.judge import Questions, judge
from trainer.photo_frames import CLEAN, PhotoFrames
from trainer.phrases import FAMILIES
from wallscan.client.output import Output, mask_path
from wallscan.photos.masks import encode_mask_png


def put_mask(root, photo, prompt, mask):
    """As a report lays it out."""
    Output(root).write(mask_path(photo, prompt), encode_mask_png(mask))


@pytest.fixture
def mask():
    found = np.zeros((48, 64), np.uint8)
    found[10:20, 5:60] = 255
    return found


def test_masks_of_a_report_come_back_to_the_pixel(tmp_path, mask):
    write_image(tmp_path / "kitchen" / "1.jpg", 64, 48, seed=1)
    write_image(tmp_path / "bath" / "1.jpg", 64, 48, seed=2)
    put_mask(tmp_path, "kitchen/1.jpg", "drywall joint", mask)
    put_mask(tmp_path, "kitchen/1.jpg", "wall crack", np.zeros_like(mask))
    put_mask(tmp_path, "bath/1.jpg", "Segment Joint/Tape", mask)
    samples, report = read(tmp_path)
    kitchen = samples["kitchen/1.jpg"]
    assert (kitchen.truth("drywall joint", 48, 64) == mask).all()
    assert kitchen.shapes["crack"] == ()
    assert (samples["bath/1.jpg"].truth("drywall joint", 48, 64) == mask).all()
    assert "crack" not in samples["bath/1.jpg"].shapes  # nobody looked for it
    assert [set(samples[f"{room}/1.jpg"].unsettled) for room in ("kitchen", "bath")] == [set(), {"crack"}]
    assert (report.images, noted(report)) == (2, {})


@pytest.mark.parametrize("there", [True, False])
def test_a_family_without_a_mask_is_neither_learnt_nor_judged(tmp_path, mask, there):
    write_image(tmp_path / "1.jpg", 64, 48)
    put_mask(tmp_path, "1.jpg", "crack", mask * there)
    (sample,) = read(tmp_path)[0].values()
    photos = PhotoFrames([sample], mosaic_share=0.0, turn_share=0.5, anywhere_share=0.2)
    _, truths = photos.draw("crack" if there else CLEAN, 32, (0.5, 1.0), random.Random(1))
    assert list(truths) == ["crack"]
    questions = Questions({family: (family,) for family in FAMILIES}, squares_of=tuple(FAMILIES))
    verdict = judge(KnowingEngine(), [sample], questions)
    assert [one.family for one in verdict.judged] == ["crack"]
    assert {one.family for one in verdict.negatives} <= {"crack", None}


def test_masks_of_zeros_count_beside_masks_that_cannot_be_used(tmp_path, mask):
    for number in (1, 2):
        write_image(tmp_path / f"{number}.jpg", 64, 48, seed=number)
        put_mask(tmp_path, f"{number}.jpg", "crack", np.zeros_like(mask))
    put_mask(tmp_path, "1.jpg", "water stain", mask)
    (tmp_path / "masks" / "2.jpg.drywall-joint.png").write_bytes(b"no png")
    samples, report = read(tmp_path)
    assert [dict(sample.shapes) for sample in samples.values()] == [{"crack": ()}] * 2
    assert all(sample.unsettled == {"drywall joint"} for sample in samples.values())
    assert noted(report) == {
        Reason.CLASS_UNKNOWN: 1,
        Reason.ANNOTATION_BROKEN: 1,
        Reason.OUTLINE_BROKEN: 1,
        Reason.FAMILY_UNSETTLED: 1,
    }


def test_a_photo_of_which_no_mask_can_be_used_is_left_out(tmp_path, mask):
    write_image(tmp_path / "1.jpg", 64, 48)
    put_mask(tmp_path, "1.jpg", "water stain", mask)
    samples, report = read(tmp_path)
    assert samples == {}
    assert noted(report) == {Reason.CLASS_UNKNOWN: 1, Reason.NOTHING_USABLE: 1}


def test_phrasings_of_one_family_add_up(tmp_path, mask):
    write_image(tmp_path / "1.jpg", 64, 48)
    put_mask(tmp_path, "1.jpg", "crack", mask)
    put_mask(tmp_path, "1.jpg", "fissure", np.flipud(mask))
    samples, _ = read(tmp_path)
    assert (samples["1.jpg"].truth("crack", 48, 64) == np.maximum(mask, np.flipud(mask))).all()


def test_photos_may_lie_in_images_and_names_in_any_script(tmp_path, mask):
    name = "Küche/Röhre 壁.png"
    write_image(tmp_path / "train" / "images" / unicodedata.normalize("NFD", name), 64, 48)
    put_mask(tmp_path / "train", name, "crack", mask)
    (sample,) = read(tmp_path)[0].values()
    assert sample.split == "train"
    assert (sample.truth("crack", 48, 64) == mask).all()


def test_a_corrected_mask_is_taken_before_an_older_annotation(tmp_path, mask):
    write_image(tmp_path / "1.jpg", 64, 64)
    (tmp_path / "1.xml").write_text(document(object_xml("crack", box=(0, 0, 64, 64))))
    put_mask(tmp_path, "1.jpg", "crack", np.pad(mask, ((0, 16), (0, 0))))
    samples, report = read(tmp_path)
    assert samples["1.jpg"].truth("crack", 64, 64)[40, 40] == 0
    assert noted(report) == {Reason.ANNOTATED_TWICE: 1}


@pytest.mark.parametrize(
    ("name", "make", "reasons"),
    [
        ("1.jpg.crack.png", lambda _: b"no png", {Reason.ANNOTATION_BROKEN, Reason.OUTLINE_BROKEN}),
        (
            "1.jpg.crack.png",
            lambda mask: cv2.imencode(".png", mask // 2)[1].tobytes(),
            {Reason.ANNOTATION_BROKEN, Reason.OUTLINE_BROKEN},
        ),
        ("1.jpg.crack.png", lambda mask: encode_mask_png(mask[10:20]), {Reason.SIZE_DIFFERS}),
        ("1.jpg.teapot.png", encode_mask_png, {Reason.CLASS_UNKNOWN}),
        ("2.jpg.crack.png", encode_mask_png, {Reason.IMAGE_MISSING}),
        ("crack.png", encode_mask_png, {Reason.IMAGE_MISSING}),
    ],
)
def test_a_mask_that_cannot_be_used_is_counted(tmp_path, mask, name, make, reasons):
    write_image(tmp_path / "1.jpg", 64, 48)
    put_mask(tmp_path, "1.jpg", "drywall joint", mask)
    (tmp_path / "masks" / name).write_bytes(make(mask))
    samples, report = read(tmp_path)
    assert samples["1.jpg"].families == ("drywall joint",)
    assert "crack" not in samples["1.jpg"].shapes
    unsettled = {Reason.FAMILY_UNSETTLED} if report.notes[Reason.FAMILY_UNSETTLED] else set()
    assert set(report.notes) - {Reason.FAMILY_UNSETTLED} == reasons
    assert bool(unsettled) == (name == "1.jpg.crack.png")
