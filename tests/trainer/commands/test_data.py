"""`python -m trainer data`, and what `train` writes about its photos."""

import json

import pytest
from typer.testing import CliRunner

from tests.trainer.data import document, object_xml, write_photo
from tests.trainer.small import small_recipe
from trainer.__main__ import app
from trainer.commands.data import chosen_classes
from wallscan.domain.errors import TrainingError

MAPPING = """
families:
  crack:
    classes: ["*crack*", riss]
    phrases: [crack, riss]
    evaluated: [riss, crack]
  drywall joint:
    classes: ["*join"]
    phrases: [drywall joint, fuge]
    evaluated: [fuge]
"""


def run(*options):
    return CliRunner().invoke(app, [str(option) for option in options])


def test_it_prints_and_writes_what_is_read_and_what_leaks(tmp_path, data):
    write_photo(data / "more" / "train", "a", document(object_xml("riss", box=(1, 1, 20, 20))))
    (tmp_path / "classes.yaml").write_text(MAPPING)
    out = tmp_path / "new" / "report.json"
    try:
        plain = run("data", "--data", data, "--json", out)
        mapped = run("data", "--data", data, "--classes", tmp_path / "classes.yaml", "--split", "grouped")
    finally:
        (data / "more" / "train" / "a.xml").unlink()
        (data / "more" / "train" / "a.jpg").unlink()
    assert plain.exit_code == mapped.exit_code == 0, plain.output + mapped.output
    assert plain.output.startswith("16 photos with ")
    assert "left out: 1 x no family fits the class" in plain.output
    assert "crack: 0 of 4 validation photos leak" in plain.output
    found = json.loads(out.read_text())
    assert found["data"]["photos"] == 16
    assert found["data"]["notes"]["class_unknown"]["count"] == 1
    assert found["leaks"]["drywall joint"]["photos"] == 4
    assert mapped.output.startswith("17 photos with ")


@pytest.mark.parametrize("folder", ["none", "photo.jpg"])
def test_a_folder_that_is_none_is_refused_with_a_code(tmp_path, folder):
    (tmp_path / "photo.jpg").touch()
    result = run("data", "--data", tmp_path / folder)
    assert result.exit_code == 2
    assert "folder_without_photos" in result.output


def test_a_family_that_frames_cannot_be_made_of_is_refused(tmp_path):
    text = MAPPING.replace("  crack:", "  window:").replace("[riss, crack]", "[riss, window]")
    (tmp_path / "classes.yaml").write_text(text.replace("[crack, riss]", "[window, riss]"))
    with pytest.raises(TrainingError, match="'window' is none of crack, drywall joint"):
        chosen_classes(tmp_path / "classes.yaml")


def test_a_run_keeps_its_reports_and_asks_in_its_own_words(tmp_path, data):
    (tmp_path / "classes.yaml").write_text(MAPPING)
    (tmp_path / "recipe.json").write_text(small_recipe(steps=2).model_dump_json())
    work, out = tmp_path / "work", tmp_path / "bundle"
    result = run(
        "train", "--data", data, "--recipe", tmp_path / "recipe.json", "--work", work, "--out", out,
        "--classes", tmp_path / "classes.yaml", "--split", "grouped",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads((work / "data-report.json").read_text())
    assert report["data"]["photos"] == 16
    assert set(report["leaks"]) == {"crack", "drywall joint"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert [one["phrases"] for one in manifest["families"]] == [["crack", "riss"], ["drywall joint", "fuge"]]
    assert len(manifest["data_digest"]) == 64
    kept = (work / "data-report.json").read_bytes()
    other = run(
        "train", "--data", data / "cracks", "--recipe", tmp_path / "recipe.json", "--work", work,
        "--out", tmp_path / "other",
    )  # fmt: skip
    assert "[work_folder_taken]" in other.output
    assert (work / "data-report.json").read_bytes() == kept
