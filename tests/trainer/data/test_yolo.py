import pytest

from tests.trainer.data import noted, points, read, write_image
from trainer.data.report import Reason

TABLE = "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['crack', 'Drywall-Join']\n"
GOOD = "0 0.25 0.25 0.75 0.25 0.5 0.75\n"


def write_yolo(root, labels, table=TABLE, split="train"):
    for number, (stem, text) in enumerate(labels.items()):
        write_image(root / split / "images" / f"{stem}.jpg", 80, 40, seed=number)
        if text is not None:
            path = root / split / "labels" / f"{stem}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="latin-1")
    if table is not None:
        (root / "data.yaml").write_text(table)


def test_outlines_and_boxes_are_shares_of_the_sides(tmp_path):
    write_yolo(tmp_path, {"a": f"{GOOD}1 0.5 0.5 0.25 0.5\n\n"})
    write_image(tmp_path / "valid" / "images" / "b.jpg")
    (tmp_path / "valid" / "labels").mkdir()
    (tmp_path / "valid" / "labels" / "b.txt").write_text("")
    samples, report = read(tmp_path)
    sample = samples["train/images/a.jpg"]
    (crack,), (joint,) = sample.shapes["crack"], sample.shapes["drywall joint"]
    assert points(crack).tolist() == [[20, 10], [60, 10], [40, 30]]
    assert joint.is_box
    assert (points(joint).min(0).tolist(), points(joint).max(0).tolist()) == ([30, 10], [50, 30])
    assert samples["valid/images/b.jpg"].shapes == {"crack": (), "drywall joint": ()}
    assert [one.split for one in samples.values()] == ["train", "valid"]
    assert noted(report) == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.1 0.1 0.2", Reason.OUTLINE_BROKEN),
        ("0 0.1 nan 0.2 0.2 0.3 0.3", Reason.OUTLINE_BROKEN),
        ("0 0.1 ten 0.2 0.2", Reason.OUTLINE_BROKEN),
        ("0 0.1 0.1", Reason.OUTLINE_DEGENERATE),
        ("0 0.5 0.5 0 0.5", Reason.OUTLINE_DEGENERATE),
        ("0 1.5 1.5 1.6 1.5 1.6 1.6", Reason.OUTLINE_DEGENERATE),
        ("7 0.5 0.5 0.5 0.5", Reason.CLASS_UNKNOWN),
        (f"{'9' * 5000} 0.5 0.5 0.5 0.5", Reason.CLASS_UNKNOWN),
        ("-1 0.5 0.5 0.5 0.5", Reason.CLASS_UNKNOWN),
        ("crack 0.5 0.5 0.5 0.5", Reason.CLASS_UNKNOWN),
    ],
)
def test_a_bad_line_is_counted_and_the_good_one_kept(tmp_path, line, reason):
    write_yolo(tmp_path, {"a": f"{line}\n{GOOD}"})
    samples, report = read(tmp_path)
    assert len(samples["train/images/a.jpg"].shapes["crack"]) == 1
    assert report.notes.pop(Reason.SPLIT_MISSING) == 1
    assert noted(report) == {reason: 1}


@pytest.mark.parametrize(
    "table",
    [None, "names: [", "names: 3", "- 1", "!!python/object/apply:os.system ['true']", "&a [*a]", ""],
)
def test_labels_without_names_are_counted(tmp_path, table):
    write_yolo(tmp_path, {"a": GOOD, "b": GOOD}, table)
    samples, report = read(tmp_path)
    assert samples == {}
    assert report.notes.pop(Reason.ANNOTATION_BROKEN, 0) == (table is not None)
    assert noted(report) == {Reason.NAMES_MISSING: 2}


def test_a_photo_without_labels_shows_nothing_and_labels_may_lack_their_photo(tmp_path):
    write_yolo(tmp_path, {"a": GOOD, "clean": None, "gone": GOOD}, "names: {0: crack}")
    (tmp_path / "train" / "images" / "gone.jpg").unlink()
    samples, report = read(tmp_path)
    assert samples["train/images/clean.jpg"].shapes == {"crack": ()}
    assert noted(report) == {Reason.TAKEN_AS_EMPTY: 1, Reason.IMAGE_MISSING: 1}


def test_a_label_file_that_is_no_text_is_counted(tmp_path):
    write_yolo(tmp_path, {"a": "\xff\xfe", "b": GOOD}, "names: [crack]")
    samples, report = read(tmp_path)
    assert list(samples) == ["train/images/b.jpg"]
    assert noted(report) == {Reason.ANNOTATION_BROKEN: 1}


def test_the_table_says_whose_a_folder_is(tmp_path):
    for number, folder in enumerate(("one", "two")):
        write_image(tmp_path / "images" / folder / "a.jpg", seed=number)
        (tmp_path / "labels" / folder).mkdir(parents=True)
        (tmp_path / "labels" / folder / "a.txt").write_text(GOOD)
    table = (
        "path: /somewhere/else\ntrain: images/one\nval: [images/two]\ntest: images/three\nnames: [crack]\n"
    )
    (tmp_path / "data.yaml").write_text(table)
    samples, report = read(tmp_path)
    assert {name: one.split for name, one in samples.items()} == {
        "images/one/a.jpg": "train",
        "images/two/a.jpg": "valid",
    }
    assert noted(report) == {Reason.SPLIT_MISSING: 1}


def test_photos_that_are_to_train_and_to_judge_are_learnt_from(tmp_path):
    """As coco128.yaml has it."""
    table = "path:\ntrain: train/images\nval: train/images\ntest:\nnames: {0: crack}\n"
    write_yolo(tmp_path, {"a": GOOD, "b": GOOD}, table, split="train")
    (tmp_path / "train").rename(tmp_path / "photos")
    (tmp_path / "data.yaml").write_text(table.replace("train/images", "photos/images"))
    samples, report = read(tmp_path)
    assert [one.split for one in samples.values()] == ["train", "train"]
    assert noted(report) == {}
