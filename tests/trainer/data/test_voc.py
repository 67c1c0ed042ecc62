import numpy as np
import pytest

from tests.trainer.data import document, object_xml, write_data, write_photo
from trainer.data import DataReport, load_rgb, read_folder, read_folders, split_by_group

CRACK = "NewCracks - v2 2024-05-18 10-54pm"
JOINT = "drywall-join"
TRIANGLE = np.array([(10, 10), (50, 12), (30, 40)], float)


def read(folder):
    report = DataReport()
    return read_folder(folder, report), report


def test_polygons_and_boxes_become_masks(tmp_path):
    write_photo(tmp_path, "a", document(object_xml(CRACK, TRIANGLE) + object_xml(CRACK, box=(0, 50, 8, 60))))
    (sample,), report = read(tmp_path)
    mask = sample.truth("crack", 64, 64)
    assert sample.families == ("crack",)
    assert [shape.is_box for shape in sample.shapes["crack"]] == [False, True]
    assert mask[20, 30] == mask[55, 4] == 255
    assert mask[60, 60] == 0
    assert set(np.unique(mask)) == {0, 255}
    assert (report.images, report.shapes, report.skipped) == (1, 2, [])


def test_a_polygon_wins_over_the_box_around_it(tmp_path):
    write_photo(tmp_path, "a", document(object_xml(CRACK, TRIANGLE, box=(10, 10, 50, 40))))
    (sample,), _ = read(tmp_path)
    assert sample.truth("crack", 64, 64)[39, 11] == 0


def test_coordinates_past_the_edge_are_clipped(tmp_path):
    write_photo(tmp_path, "a", document(object_xml(JOINT, box=(-5, 20, 65, 30))))
    (sample,), _ = read(tmp_path)
    (shape,) = sample.shapes["drywall joint"]
    assert (shape.points.min(), shape.points.max()) == (0, 64)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (object_xml(CRACK, box=(10, 10, 10, 40)), "degenerate outline"),
        (object_xml(CRACK, box=(70, 70, 90, 90)), "degenerate outline"),
        (object_xml(CRACK, TRIANGLE[:2]), "degenerate outline"),
        (object_xml(CRACK, np.array([(1, 1), (np.nan, 5), (8, 9)])), "degenerate outline"),
        (f"<object><name>{CRACK}</name><polygon><x1>ten</x1></polygon></object>", "degenerate outline"),
        (f"<object><name>{CRACK}</name><polygon><x1>1</x1></polygon></object>", "degenerate outline"),
        (f"<object><name>{CRACK}</name></object>", "degenerate outline"),
        (object_xml("teapot", TRIANGLE), "unknown class"),
    ],
)
def test_a_bad_object_is_listed_and_the_good_one_kept(tmp_path, bad, reason):
    write_photo(tmp_path, "a", document(bad + object_xml(CRACK, TRIANGLE)))
    (sample,), report = read(tmp_path)
    assert len(sample.shapes["crack"]) == 1
    assert report.skipped == [f"a.xml: object 0: {reason}"]


HOSTILE = {
    "laughs": '<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;">]><annotation>&m;</annotation>',
    "file": '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation>&f;</annotation>',
    "truncated": document(object_xml(CRACK, TRIANGLE))[:-20],
    "empty": "",
    "no size": "<annotation><object/></annotation>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_annotations_are_listed_and_the_others_read(tmp_path, name):
    write_photo(tmp_path, "bad", HOSTILE[name])
    write_photo(tmp_path, "good", document(object_xml(CRACK, TRIANGLE)))
    samples, report = read(tmp_path)
    assert [sample.image.stem for sample in samples] == ["good"]
    assert len(report.skipped) == 1
    assert report.skipped[0].startswith("bad.xml: unreadable annotation")


def test_a_missing_annotation_is_listed(tmp_path):
    write_photo(tmp_path, "lonely", "").with_suffix(".xml").unlink()
    samples, report = read(tmp_path)
    assert samples == []
    assert len(report.skipped) == 1


def test_a_photo_may_show_several_families(tmp_path):
    write_photo(
        tmp_path, "mixed", document(object_xml(CRACK, TRIANGLE) + object_xml(JOINT, box=(1, 50, 9, 60)))
    )
    (sample,), report = read(tmp_path)
    assert sample.families == ("crack", "drywall joint")
    assert report.shapes == 2


def test_siblings_of_a_photo_stay_on_one_side_of_the_split(tmp_path):
    samples, _ = read_folders(write_data(tmp_path), "train")
    train, held_out = split_by_group(samples, 0.3, seed=1)
    assert len(train) + len(held_out) == len(samples) == 16
    assert {sample.families[0] for sample in held_out} == {"crack", "drywall joint"}
    for family in ("crack", "drywall joint"):
        sides = [{one.group for one in side if one.families[0] == family} for side in (train, held_out)]
        assert not sides[0] & sides[1]


def test_a_photo_that_is_none_is_named(tmp_path):
    (tmp_path / "a.jpg").write_text("not a photo")
    with pytest.raises(ValueError, match=r"a\.jpg"):
        load_rgb(tmp_path / "a.jpg")
