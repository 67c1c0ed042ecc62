import json

import numpy as np
import pytest

from tests.trainer.data import noted, read, write_image
from trainer.data.report import Reason
from wallscan.photos.masks import encode_rle, pack_counts

CATEGORIES = [{"id": 0, "name": "walls"}, {"id": 1, "name": "Crack", "supercategory": "walls"}]
TRIANGLE = [10, 10, 50, 12, 30, 40]
GOOD = {"image_id": 1, "category_id": 1, "segmentation": [TRIANGLE]}


def write_coco(folder, annotations, images=None):
    write_image(folder / "a.jpg", seed=1)
    rows = [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 64}] if images is None else images
    document = {"images": rows, "annotations": annotations, "categories": CATEGORIES}
    (folder / "_annotations.coco.json").write_text(json.dumps(document))


def mask(rows, columns):
    found = np.zeros((64, 64), np.uint8)
    found[rows, columns] = 255
    return found


def test_polygons_of_several_parts_run_lengths_and_boxes_are_read(tmp_path):
    plain = {"size": [64, 64], "counts": [64 * 10 + 5, 3, 64 * 53 + 56]}  # column 10, rows 5 to 7
    packed = dict(encode_rle(mask(slice(40, 50), slice(40, 60))))
    annotations = [
        {"image_id": 1, "category_id": 1, "segmentation": [TRIANGLE, [0, 50, 5, 50, 5, 60, 0, 60]]},
        {"image_id": 1, "category_id": 1, "segmentation": plain, "iscrowd": 1},
        {"image_id": 1, "category_id": 1, "segmentation": packed},
        {"image_id": 1, "category_id": 1, "segmentation": [], "bbox": [50, 2, 10, 4]},
    ]
    write_coco(tmp_path / "train", annotations)
    samples, report = read(tmp_path)
    sample = samples["train/a.jpg"]
    truth = sample.truth("crack", 64, 64)
    assert sample.split == "train"
    assert [shape.is_box for shape in sample.shapes["crack"]] == [False, False, False, False, True]
    assert (truth[5:8, 10] == 255).all()
    assert truth[4, 10] == truth[8, 10] == truth[6, 9] == 0
    assert truth[20, 30] == truth[55, 3] == truth[45, 50] == truth[4, 55] == 255
    assert noted(report) == {Reason.CROWD: 1}


def test_photos_lie_where_an_official_name_says(tmp_path):
    write_image(tmp_path / "images" / "val2017" / "a.jpg")
    (tmp_path / "annotations").mkdir()
    images = [{"id": "a", "file_name": "a.jpg", "width": 64, "height": 64}]
    document = {"images": images, "annotations": [GOOD | {"image_id": "a"}], "categories": CATEGORIES}
    (tmp_path / "annotations" / "instances_val2017.json").write_text(json.dumps(document))
    samples, report = read(tmp_path)
    assert samples["images/val2017/a.jpg"].split == "valid"
    assert noted(report) == {}


def test_a_listed_photo_without_marks_shows_none_of_the_categories(tmp_path):
    write_coco(tmp_path, [])
    samples, report = read(tmp_path)
    assert samples["a.jpg"].shapes == {"crack": ()}
    assert report.counts == {(tmp_path.name, "coco", "", "nothing"): 1}


def test_what_was_drawn_on_another_size_is_scaled(tmp_path):
    images = [{"id": 1, "file_name": "a.jpg", "width": 32, "height": 32}]
    runs = dict(encode_rle(mask(slice(0, 20), slice(0, 20))[:32, :32]))
    box = {"image_id": 1, "category_id": 1, "bbox": [20, 20, 10, 10]}
    write_coco(tmp_path, [box, GOOD | {"segmentation": runs}], images=images)
    samples, report = read(tmp_path)
    truth = samples["a.jpg"].truth("crack", 64, 64)
    assert (truth[:40, :40] == 255).all()
    assert truth[39, 40] == 0
    assert truth[59, 59] == 255
    assert noted(report) == {Reason.SCALED: 2}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"segmentation": [[1, 1, 5]]}, Reason.OUTLINE_BROKEN),
        ({"segmentation": [[1, 1, 5, 5]]}, Reason.OUTLINE_DEGENERATE),
        ({"segmentation": [[1, 1, float("nan"), 5, 9, 9]]}, Reason.OUTLINE_BROKEN),
        ({"segmentation": [[1, 1, float("inf"), 5, 9, 9]]}, Reason.OUTLINE_BROKEN),
        ({"segmentation": [[70, 70, 80, 70, 80, 80]]}, Reason.OUTLINE_DEGENERATE),
        ({"segmentation": "abc"}, Reason.OUTLINE_BROKEN),
        ({"segmentation": []}, Reason.OUTLINE_BROKEN),
        ({"segmentation": [], "bbox": [1, 2, 3]}, Reason.OUTLINE_BROKEN),
        ({"segmentation": [], "bbox": [5, 5, 0, 9]}, Reason.OUTLINE_DEGENERATE),
        ({"segmentation": {"size": [64, 64], "counts": "o" * 100_000}}, Reason.OUTLINE_BROKEN),
        ({"segmentation": {"size": [64, 64], "counts": "ÿ" * 100_000}}, Reason.OUTLINE_BROKEN),
        ({"segmentation": {"size": [64, 64], "counts": [10**30]}}, Reason.OUTLINE_BROKEN),
        ({"segmentation": {"size": [64, 64], "counts": [1, 2, 3]}}, Reason.OUTLINE_BROKEN),
        ({"segmentation": {"size": [64, 64], "counts": [-1, 64 * 64 + 1]}}, Reason.OUTLINE_BROKEN),
        ({"segmentation": {"size": [64, 64], "counts": [64 * 64]}}, Reason.OUTLINE_DEGENERATE),
        ({"segmentation": {"size": [64, 32], "counts": [0, 64 * 32]}}, Reason.SIZE_DIFFERS),
        ({"segmentation": {"size": [99_999, 99_999], "counts": [0, 99_999**2]}}, Reason.SIZE_DIFFERS),
        ({"category_id": 7}, Reason.CLASS_UNKNOWN),
        ({"category_id": None}, Reason.ANNOTATION_BROKEN),
        ({"image_id": 99}, Reason.IMAGE_MISSING),
    ],
)
def test_a_bad_annotation_is_counted_and_the_good_one_kept(tmp_path, bad, reason):
    write_coco(tmp_path, [GOOD | bad, GOOD])
    samples, report = read(tmp_path)
    assert len(samples["a.jpg"].shapes["crack"]) == 1
    assert noted(report) == {reason: 1}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../outside.jpg", Reason.PATH_OUTSIDE),
        ("/etc/passwd", Reason.PATH_OUTSIDE),
        ("../../../../../../etc/passwd", Reason.PATH_OUTSIDE),
        ("b.jpg", Reason.IMAGE_MISSING),
        ("b\0.jpg", Reason.PATH_OUTSIDE),
        ("x" * 5000, Reason.IMAGE_MISSING),
    ],
)
def test_a_photo_is_looked_for_below_the_root_alone(tmp_path, name, reason):
    write_image(tmp_path / "outside.jpg")
    good = {"id": 1, "file_name": "a.jpg", "width": 64, "height": 64}
    write_coco(tmp_path / "root", [GOOD], images=[good, good | {"id": 2, "file_name": name}])
    samples, report = read(tmp_path / "root")
    assert list(samples) == ["a.jpg"]
    assert noted(report) == {reason: 1}


@pytest.mark.parametrize(
    "change", [{"width": "NaN"}, {"width": 0}, {"height": 10**9}, {"file_name": 3}, {"id": 1}]
)
def test_a_bad_row_of_photos_is_counted(tmp_path, change):
    good = {"id": 1, "file_name": "a.jpg", "width": 64, "height": 64}
    write_image(tmp_path / "b.jpg", seed=2)
    write_coco(tmp_path, [GOOD], images=[good, {**good, "id": 2, "file_name": "b.jpg", **change}])
    _, report = read(tmp_path)
    same_id = change == {"id": 1}
    assert report.notes[Reason.ANNOTATION_BROKEN] == (2 if same_id else 1)
    assert report.images == (0 if same_id else 1)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"images": [', "\xff"])
def test_a_file_that_is_no_json_is_counted(tmp_path, text):
    write_coco(tmp_path, [GOOD])
    (tmp_path / "more.json").write_text(text, encoding="latin-1")
    samples, report = read(tmp_path)
    assert list(samples) == ["a.jpg"]
    assert noted(report) == {Reason.ANNOTATION_BROKEN: 1}


def test_other_json_files_are_passed_over(tmp_path):
    write_coco(tmp_path, [GOOD])
    (tmp_path / "report.json").write_text('{"photos": []}')
    (tmp_path / "list.json").write_text("[1, 2]")
    assert noted(read(tmp_path)[1]) == {}


def test_the_official_example_of_compressed_run_lengths():
    """Worked out by hand from rleToString: groups of five bits, low ones first, plus 48."""
    assert pack_counts([6, 1, 40, 4, 5, 4, 5, 4, 21]) == "61X13mN000`0"
