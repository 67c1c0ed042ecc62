"""`python -m trainer evaluate` from end to end, with a tiny model."""

import json
import shutil

import cv2
import pytest
from typer.testing import CliRunner

from tests.segment.tiny import write_tiny
from tests.trainer.data import write_data
from trainer.__main__ import app
from trainer.data import SplitBy, digest_of, parts, read_samples
from trainer.evaluation.markdown import CROSS_ENTROPY, HONEST_ROWS, NONE_LEFT
from trainer.origin import MAY_HOLD_JUDGES
from wallscan.models.files import read_manifest, write_manifest


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("evaluated") / "bundle")


def evaluate(*options):
    return CliRunner().invoke(app, ["evaluate", *map(str, options)])


@pytest.mark.parametrize("tta", ["none", "flip"])
def test_it_writes_every_table_a_page_and_pictures(tmp_path, bundle, data, tta):
    out, page, pictures = tmp_path / "new" / "out.json", tmp_path / "page.md", tmp_path / "sheets"
    result = evaluate(
        "--model", bundle, "--data", data, "--json", out, "--markdown", page, "--pictures", pictures,
        "--tta", tta,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())
    assert (found["model"]["name"], found["model"]["split"]) == ("tests/tiny", None)
    assert found["data"] == {
        "photos": 8, "groups": 4, "split": "official", "part": "valid", "tta": tta,
    }  # fmt: skip
    assert found["leaks"]["crack"]["any"] == 0
    assert found["leak_free"] == found["honest"]
    assert len(found["photos"]) == 8
    for family in ("crack", "drywall joint", "all"):
        assert found["report"][family]["photos"] == found["honest"][family]["photos"]
        assert set(HONEST_ROWS) == set(found["honest"][family]["raw"])
        for value in found["honest"][family]["founding"].values():
            assert 0 <= value["low"] <= value["high"] <= 1
        entropy = found["honest"][family]["cross_entropy"]
        assert (
            entropy["low"] <= found["report"][family]["cross_entropy"] == entropy["mean"] <= entropy["high"]
        )
    assert (found["coverage"], found["estimates"]) == ({}, [])  # the tiny model is not calibrated
    assert sum(len(row["photo_iou"]) for row in found["phrasings"].values()) == 16
    squares = [row for row in found["negatives"] if row["square"] is not None]
    assert found["false_alarms"]["crack"]["all"]["asked"] == len(squares)
    text = page.read_text()
    assert all(text.count(f"| {title} |") == 6 for title in (*HONEST_ROWS.values(), CROSS_ENTROPY))
    assert "| crack | 4 | 0 | 0 | 0 | 0 |" in text, "what leaks"
    assert {path.name for path in pictures.iterdir()} == {"crack.png", "drywall-joint.png"}
    for path in pictures.iterdir():
        sheet = cv2.imread(str(path))
        assert sheet is not None
        assert len({tuple(pixel) for pixel in sheet.reshape(-1, 3)[::97].tolist()}) > 10


def test_several_data_sets_are_judged_together(tmp_path, bundle, data):
    out, more = tmp_path / "out.json", write_data(tmp_path / "more", count=1, side=64)
    result = evaluate("--model", bundle, "--data", more, "--data", data, "--json", out)
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["data"]["photos"] == 10


def test_photos_that_were_learnt_from_are_told_and_judged_apart(tmp_path, bundle):
    out, page = tmp_path / "out.json", tmp_path / "page.md"
    leaky = write_data(tmp_path / "leaky", count=2, side=64)
    for ending in ("jpg", "xml"):
        shutil.copy(leaky / "cracks" / "valid" / f"valid-0.{ending}", leaky / "cracks" / "train")
    result = evaluate("--model", bundle, "--data", leaky, "--json", out, "--markdown", page)
    assert result.exit_code == 0, result.output
    assert "crack: 1 of 2 validation photos leak" in result.output
    found = json.loads(out.read_text())
    assert (found["honest"]["all"]["photos"], found["leak_free"]["all"]["photos"]) == (4, 2)
    assert list(found["leak_free"]) == ["drywall joint", "all"]
    text = page.read_text()
    assert "| crack | 2 | 1 | 0 | 1 | 0 |" in text
    assert text.count(f"| crack | {CROSS_ENTROPY} |") == 1
    assert text.count(f"| drywall joint | {CROSS_ENTROPY} |") == 2
    shutil.rmtree(leaky / "cracks" / "train")
    shutil.rmtree(leaky / "joints" / "train")
    evaluate("--model", bundle, "--data", leaky, "--json", out, "--markdown", page)
    assert json.loads(out.read_text())["leak_free"] == {}
    assert NONE_LEFT in page.read_text()


@pytest.mark.parametrize(
    ("trained_by", "on_these", "data", "said"),
    [
        (None, False, (), "not known by which split"),
        ("grouped", True, (), "by the split 'grouped'"),
        ("official", False, (), "on other photos"),
        ("official", True, (f"what a base had learnt from: {MAY_HOLD_JUDGES}",), "on from one that had"),
        ("official", True, (), None),
    ],
)
def test_what_the_model_may_have_learnt_from_is_told(tmp_path, bundle, trained_by, on_these, data, said):
    out, page, few = (
        tmp_path / "out.json",
        tmp_path / "out.md",
        write_data(tmp_path / "few", count=1, side=64),
    )
    learnt = parts(read_samples([few])[0], SplitBy.OFFICIAL)["train"]
    shutil.copytree(bundle, tmp_path / "bundle")
    facts = read_manifest(bundle).model_dump(mode="json", exclude={"files"})
    facts |= {"split": trained_by, "data_digest": digest_of(learnt if on_these else learnt[1:]), "data": data}
    write_manifest(tmp_path / "bundle", facts)
    result = evaluate("--model", tmp_path / "bundle", "--data", few, "--json", out, "--markdown", page)
    assert result.exit_code == 0, result.output
    assert ("leak_free" in result.stderr) == (said is not None)
    assert said is None or said in result.stderr
    doubt = json.loads(out.read_text())["model"]["doubt"]
    assert (doubt is None) == (said is None)
    assert ("It may have learnt from" in page.read_text()) == (said is not None)
    assert said is None or (said in doubt and doubt in page.read_text())
    assert json.loads(out.read_text())["model"]["split"] == trained_by


def test_a_split_by_groups_judges_photos_of_all_folders(tmp_path, bundle, data):
    out = tmp_path / "out.json"
    result = evaluate("--model", bundle, "--data", data, "--split", "grouped", "--json", out)
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())
    assert found["data"]["split"] == "grouped"
    assert {row["image"].partition("-")[0] for row in found["photos"]} <= {"train", "valid"}
    assert found["leak_free"] == found["honest"]


@pytest.mark.parametrize(
    ("model", "part", "code"),
    [("nothing there", "valid", "model_source_unknown"), (None, "march", "folder_without_photos")],
)
def test_what_cannot_be_evaluated_is_refused_with_a_code(tmp_path, bundle, data, model, part, code):
    out = tmp_path / "out.json"
    result = evaluate("--model", model or bundle, "--data", data, "--part", part, "--json", out)
    assert result.exit_code == 2
    assert code in result.output
    assert not out.exists()
