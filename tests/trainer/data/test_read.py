"""What does not depend on a format: photos, sizes, mixtures of roots, and the report."""

import json
import os

import numpy as np
import pytest

from tests.trainer.data import document, noted, object_xml, points, read, write_image, write_photo
from tests.trainer.data.test_corrected import put_mask
from trainer.data import DataReport, Photos, load_rgb, read_samples
from trainer.data.report import EXAMPLES, KEPT, Reason
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

BOX = object_xml("crack", box=(8, 8, 24, 24))


def test_formats_and_roots_are_mixed_in_one_reading(tmp_path):
    one, two = tmp_path / "one" / "set", tmp_path / "two" / "set"
    write_photo(one / "voc" / "train", "a", document(BOX))
    write_image(one / "yolo" / "images" / "train" / "b.png", seed=2)
    (one / "yolo" / "labels" / "train").mkdir(parents=True)
    (one / "yolo" / "labels" / "train" / "b.txt").write_text("0 0.5 0.5 0.5 0.5")
    (one / "yolo" / "data.yaml").write_text("names: [seam]")
    write_image(two / "coco" / "valid" / "c.webp", seed=3)
    images = [{"id": 1, "file_name": "c.webp", "width": 64, "height": 64}]
    things = [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}]
    coco = {"images": images, "annotations": things, "categories": [{"id": 1, "name": "crack"}]}
    (two / "coco" / "valid" / "all.json").write_text(json.dumps(coco))
    write_image(two / "site" / "kitchen" / "d.jpg", seed=4)
    put_mask(two / "site", "kitchen/d.jpg", "crack", np.full((64, 64), 255, np.uint8))
    _, report = read(one, two)
    assert report.counts == {
        ("set/voc", "voc", "train", "crack"): 1,
        ("set/yolo", "yolo", "train", "drywall joint"): 1,
        ("set-2/coco", "coco", "valid", "crack"): 1,
        ("set-2/site/kitchen", "masks", "", "crack"): 1,
    }
    assert noted(report) == {}
    assert read(one, two, one)[1].images == 4  # a root given twice counts once


def test_photos_that_cannot_be_used_are_counted(tmp_path):
    for name, data in (("text", b"not a photo"), ("empty", b""), ("cut", None)):
        path = write_photo(tmp_path, name, document(BOX))
        path.write_bytes(path.read_bytes()[:-100] if data is None else data)
    write_image(tmp_path / "lonely.jpg")
    write_photo(tmp_path, "good", document(BOX))
    samples, report = read(tmp_path)
    assert list(samples) == ["good.jpg"]
    assert noted(report) == {Reason.IMAGE_BROKEN: 3, Reason.IMAGE_UNANNOTATED: 1}


def coco_of(root, class_name, box):
    images = [{"id": 1, "file_name": "a.jpg", "width": 128, "height": 128}]
    things = [{"image_id": 1, "category_id": 1, "bbox": box}]
    told = {"images": images, "annotations": things, "categories": [{"id": 1, "name": class_name}]}
    (root / f"{class_name}.json").write_text(json.dumps(told))


def test_a_photo_of_two_annotations_shows_what_each_of_them_found(tmp_path):
    """Of two sizes, so that each is scaled by its own."""
    write_photo(tmp_path, "a", document(BOX))
    coco_of(tmp_path, "seam", [64, 64, 32, 32])
    samples, report = read(tmp_path)
    assert samples["a.jpg"].families == ("crack", "drywall joint")
    assert samples["a.jpg"].truth("crack", 64, 64)[16, 16]
    joint = samples["a.jpg"].truth("drywall joint", 64, 64)
    assert [joint[40, 40] > 0, joint[16, 16] > 0] == [True, False]
    assert noted(report) == {Reason.SCALED: 1}
    assert report.images == 1
    assert {family: count for (*_, family), count in report.counts.items()} == {
        "crack": 1,
        "drywall joint": 1,
    }


def test_of_a_family_that_is_annotated_twice_the_first_annotation_counts(tmp_path):
    write_photo(tmp_path, "a", document(BOX))
    coco_of(tmp_path, "crack", [64, 64, 32, 32])
    samples, report = read(tmp_path)
    truth = samples["a.jpg"].truth("crack", 64, 64)
    assert [truth[16, 16] > 0, truth[40, 40] > 0] == [True, False]
    assert noted(report) == {Reason.SCALED: 1, Reason.ANNOTATED_TWICE: 1}


def test_a_broken_annotation_leaves_the_place_to_one_that_can_be_read(tmp_path):
    write_image(tmp_path / "images" / "a.jpg")
    (tmp_path / "images" / "a.xml").write_text("<annotation>")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5")
    (tmp_path / "data.yaml").write_text("names: [crack]")
    samples, report = read(tmp_path)
    assert len(samples["images/a.jpg"].shapes["crack"]) == 1
    assert noted(report) == {Reason.ANNOTATION_BROKEN: 1}


def test_an_annotation_of_another_size_is_scaled_and_of_another_shape_left_out(tmp_path):
    write_photo(tmp_path, "half", document(BOX, side=32), side=64)
    write_photo(tmp_path, "flat", document(BOX))
    write_image(tmp_path / "flat.jpg", 64, 32)
    samples, report = read(tmp_path)
    assert points(samples["half.jpg"].shapes["crack"][0]).max() == 48
    assert list(samples) == ["half.jpg"]
    assert noted(report) == {Reason.SCALED: 1, Reason.SIZE_DIFFERS: 1}


def test_a_photo_of_which_nothing_can_be_used_is_left_out(tmp_path):
    gone = object_xml("crack", box=(90, 90, 95, 95))
    write_photo(tmp_path, "good", document(BOX + object_xml("drywall-join", box=(1, 1, 60, 9))))
    write_photo(tmp_path, "gone", document(gone))
    write_photo(tmp_path, "half", document(gone + object_xml("drywall-join", box=(1, 1, 60, 9))))
    samples, report = read(tmp_path)
    assert list(samples) == ["good.jpg", "half.jpg"]
    assert list(samples["half.jpg"].shapes) == ["drywall joint"]
    assert [set(one.unsettled) for one in samples.values()] == [set(), {"crack"}]
    assert noted(report) == {
        Reason.OUTLINE_DEGENERATE: 2,
        Reason.NOTHING_USABLE: 1,
        Reason.FAMILY_UNSETTLED: 1,
    }


def test_a_data_set_that_names_no_family_says_nothing(tmp_path):
    write_photo(tmp_path, "bare", document(""))
    assert noted(read(tmp_path)[1]) == {Reason.NO_FAMILY: 1}


@pytest.mark.parametrize("name", [b"caf\xe9", "\u202eevil \x1b[2J".encode(), "壁 Größe %s {x} [b]".encode()])
def test_names_that_are_no_text_are_read_and_told(tmp_path, name):
    folder = tmp_path / os.fsdecode(name)
    write_photo(folder, "a", document(BOX + object_xml("no such\nclass", box=(1, 1, 5, 5))))
    samples, report = read(tmp_path)
    assert len(samples) == 1
    (what,) = report.examples[Reason.CLASS_UNKNOWN]
    assert what.isprintable()
    assert what.endswith(r"no such\nclass")
    assert json.dumps(report.document(), ensure_ascii=False).encode()


def test_photos_lie_upright_as_their_exif_says(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32), "white").save(tmp_path / "a.jpg", exif=exif)
    size = "<size><width>32</width><height>64</height></size>"
    (tmp_path / "a.xml").write_text(f"<annotation>{size}{BOX}</annotation>")
    samples, report = read(tmp_path)
    assert load_rgb(samples["a.jpg"].image).shape == (64, 32, 3)
    assert noted(report) == {}


def test_a_photo_that_is_none_is_named(tmp_path):
    (tmp_path / "a.jpg").write_text("not a photo")
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(ValueError, match=name):
            load_rgb(tmp_path / name)


def test_a_root_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TrainingError) as refusal:
        read_samples([tmp_path / "none"])
    assert refusal.value.code == Code.FOLDER_WITHOUT_PHOTOS


def test_the_report_tells_every_reason_with_a_few_examples():
    report = DataReport(images=1, shapes=2)
    report.counts["set", "voc", "", "crack"] = 1
    for reason in Reason:
        for number in range(EXAMPLES + 2):
            report.note(reason, f"{reason.name} {number}")
    lines, document = list(report.lines()), json.loads(json.dumps(report.document()))
    assert lines[:2] == ["1 photos with 2 outlines", "  set (voc), no split: 1 of crack"]
    assert len(lines) == 2 + len(Reason) * (1 + EXAMPLES)
    assert document["left_out"] == report.left_out == (EXAMPLES + 2) * (len(Reason) - len(KEPT))
    assert document["notes"]["clipped"] == {
        "meaning": Reason.CLIPPED.value,
        "used": True,
        "count": EXAMPLES + 2,
        "examples": [f"CLIPPED {number}" for number in range(EXAMPLES)],
    }


def test_the_digest_knows_pixels_and_outlines_but_no_names(tmp_path):
    def digest(folder, seed=1, right=24):
        for number in (seed, 2):
            path = write_photo(folder, f"{folder.name}-{number}", "")
            write_image(path, seed=number)
            path.with_suffix(".xml").write_text(document(object_xml("crack", box=(8, 8, right, 24))))
        samples, _ = read_samples([folder])
        return Photos(samples[:1], samples[1:], []).digest()

    same = digest(tmp_path / "a")
    assert same == digest(tmp_path / "b")
    assert len({same, digest(tmp_path / "c", seed=3), digest(tmp_path / "d", right=25)}) == 3
