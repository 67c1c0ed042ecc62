import numpy as np
import pytest

from tests.trainer.data import document, noted, object_xml, points, read, write_photo
from trainer.data.report import Reason

CRACK = "NewCracks - v2 2024-05-18 10-54pm"
JOINT = "drywall-join"
TRIANGLE = np.array([(10, 10), (50, 12), (30, 40)], float)


def test_polygons_and_boxes_become_masks(tmp_path):
    write_photo(tmp_path, "a", document(object_xml(CRACK, TRIANGLE) + object_xml(CRACK, box=(0, 50, 8, 60))))
    samples, report = read(tmp_path)
    sample = samples["a.jpg"]
    mask = sample.truth("crack", 64, 64)
    assert sample.families == ("crack",)
    assert [shape.is_box for shape in sample.shapes["crack"]] == [False, True]
    assert mask[20, 30] == mask[55, 4] == 255
    assert mask[60, 60] == 0
    assert set(np.unique(mask)) == {0, 255}
    assert (report.images, report.shapes, noted(report)) == (1, 2, {})


def test_a_polygon_wins_over_the_box_around_it(tmp_path):
    write_photo(tmp_path, "a", document(object_xml(CRACK, TRIANGLE, box=(10, 10, 50, 40))))
    assert read(tmp_path)[0]["a.jpg"].truth("crack", 64, 64)[39, 11] == 0


def test_a_box_one_past_the_edge_is_cut_there(tmp_path):
    write_photo(tmp_path, "a", document(object_xml(JOINT, box=(-5, 20, 65, 30))))
    samples, report = read(tmp_path)
    (shape,) = samples["a.jpg"].shapes["drywall joint"]
    assert sorted(map(tuple, points(shape).tolist())) == [(0, 20), (0, 30), (64, 20), (64, 30)]
    assert noted(report) == {Reason.CLIPPED: 1}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (object_xml(CRACK, box=(10, 10, 10, 40)), Reason.OUTLINE_DEGENERATE),
        (object_xml(CRACK, box=(70, 70, 90, 90)), Reason.OUTLINE_DEGENERATE),
        (object_xml(CRACK, TRIANGLE[:2]), Reason.OUTLINE_DEGENERATE),
        (object_xml(CRACK, np.array([(1, 1), (np.nan, 5), (8, 9)])), Reason.OUTLINE_BROKEN),
        (object_xml(CRACK, np.array([(1, 1), (1e300, 5), (8, 9)])), Reason.OUTLINE_BROKEN),
        (object_xml(CRACK, box=(1, 1, float("inf"), 5)), Reason.OUTLINE_BROKEN),
        (f"<object><name>{CRACK}</name><polygon><x1>ten</x1></polygon></object>", Reason.OUTLINE_BROKEN),
        (f"<object><name>{CRACK}</name><polygon><x1>1</x1></polygon></object>", Reason.OUTLINE_BROKEN),
        (f"<object><name>{CRACK}</name></object>", Reason.OUTLINE_BROKEN),
        (object_xml("teapot", TRIANGLE), Reason.CLASS_UNKNOWN),
        ("<object><polygon><x1>1</x1></polygon></object>", Reason.CLASS_UNKNOWN),
    ],
)
def test_a_bad_object_is_counted_and_the_good_one_kept(tmp_path, bad, reason):
    write_photo(tmp_path, "a", document(bad + object_xml(CRACK, TRIANGLE)))
    samples, report = read(tmp_path)
    assert len(samples["a.jpg"].shapes["crack"]) == 1
    assert noted(report) == {reason: 1}
    assert report.examples[reason][0].startswith(f"{tmp_path.name}/a.xml: ")


LAUGHS = '<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;">]><annotation>&m;</annotation>'
FILE = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation>&f;</annotation>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, Reason.XML_REFUSED),
        (FILE, Reason.XML_REFUSED),
        ("<!DOCTYPE a><annotation/>", Reason.XML_REFUSED),
        (document(object_xml(CRACK, TRIANGLE))[:-20], Reason.ANNOTATION_BROKEN),
        ("", Reason.ANNOTATION_BROKEN),
        ("<annotation><object/></annotation>", Reason.ANNOTATION_BROKEN),
        (document(object_xml(CRACK, TRIANGLE), side=0), Reason.ANNOTATION_BROKEN),
        ('<?xml version="1.0" encoding="none such"?><annotation/>', Reason.ANNOTATION_BROKEN),
    ],
)
def test_hostile_annotations_are_counted_and_the_others_read(tmp_path, text, reason):
    write_photo(tmp_path, "bad", text)
    write_photo(tmp_path, "good", document(object_xml(CRACK, TRIANGLE)))
    samples, report = read(tmp_path)
    assert list(samples) == ["good.jpg"]
    assert noted(report) == {reason: 1}


def test_an_annotation_without_its_photo_is_counted(tmp_path):
    write_photo(tmp_path, "gone", document(object_xml(CRACK, TRIANGLE))).unlink()
    samples, report = read(tmp_path)
    assert samples == {}
    assert noted(report) == {Reason.IMAGE_MISSING: 1}


def test_what_a_photo_lacks_of_its_data_set_is_not_there(tmp_path):
    both = object_xml(CRACK, TRIANGLE) + object_xml(JOINT, box=(1, 50, 9, 60))
    write_photo(tmp_path / "train", "both", document(both))
    write_photo(tmp_path / "valid", "crack", document(object_xml(CRACK, TRIANGLE)))
    write_photo(tmp_path / "valid", "neither", document(""))
    samples, report = read(tmp_path)
    assert samples["train/both.jpg"].families == ("crack", "drywall joint")
    assert samples["valid/crack.jpg"].shapes["drywall joint"] == ()
    assert samples["valid/neither.jpg"].shapes == {"crack": (), "drywall joint": ()}
    assert (report.images, report.shapes, noted(report)) == (3, 3, {})
