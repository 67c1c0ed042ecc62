"""What a training by the service makes of its data, as it was told to, and what it tells of them."""

import csv
import io
import shutil
import zipfile

import pytest

from tests.trainer.jobs import given_dataset, given_training, read, versions, zipped
from tests.trainer.small import small_recipe
from trainer import jobs
from trainer.jobs import Service, run_training
from wallscan.domain.codes import Code
from wallscan.models.manifest import Manifest

pytestmark = pytest.mark.usefixtures("few_walls")

CLASSES = {
    "families": {
        "drywall joint": {
            "classes": ["*join*"],
            "phrases": ["drywall joint", "joint"],
            "evaluated": ["joint"],
        },
        "crack": {"classes": ["*crack*", "*join*"], "phrases": ["crack", "Fuge"], "evaluated": ["crack"]},
    }
}
LEAK = "train-0.jpg"
BROKEN = "cracks/train/train-3.xml"
UNPACKED = "README.dataset.txt"


@pytest.fixture
def service(engine, store):
    return Service(engine, store, "a-trainer", lease_s=60.0, checkpoint_every_s=60.0)


@pytest.fixture
def faulty(data, tmp_path):
    """Photos of one scene; one annotation is broken, and one photo that judges is learnt from, too."""
    folder = shutil.copytree(data, tmp_path / "faulty")
    (folder / BROKEN).write_text("<annotation>")
    (folder / UNPACKED).write_text("what nobody can read")
    shutil.copy(folder / "cracks" / "train" / LEAK, folder / "cracks" / "valid" / "valid-0.jpg")
    shutil.copy(folder / "cracks" / "train" / "train-0.xml", folder / "cracks" / "valid" / "valid-0.xml")
    with (folder / "images.csv").open(newline="") as table:
        rows = [row | {"scene": "hall"} for row in csv.DictReader(table)]
    with (folder / "images.csv").open("w", newline="") as table:
        writer = csv.DictWriter(table, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def damaged(archive, path):
    """The zip file with a flipped byte in the middle of an entry's data."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entry = opened.getinfo(path)
    place = entry.header_offset + 30 + len(path) + entry.compress_size // 2
    return archive[:place] + bytes([archive[place] ^ 0xFF]) + archive[place + 1 :]


@pytest.fixture
def dataset_id(engine, store, faulty):
    return given_dataset(engine, store, damaged(zipped(faulty), UNPACKED))


def ordered(service, dataset_id, **told):
    """A training that was carried out, as it is read."""
    training_id = given_training(service.engine, dataset_id, small_recipe(steps=2), **told)
    run_training(service, training_id)
    return read(service.engine, training_id)


def test_it_is_trained_as_ordered_and_tells_what_was_left_out_and_leaks(service, dataset_id):
    told = {"classes": CLASSES, "licence": "CC0-1.0", "attribution": ["Photos: a house"]}
    done = ordered(service, dataset_id, split="grouped", **told)
    assert (done.state, done.code, done.detail) == ("succeeded", None, None)
    manifest = Manifest.model_validate(versions(service.engine)[0].manifest)
    assert (manifest.split, manifest.licence) == ("grouped", "CC0-1.0")
    assert "Photos: a house" in manifest.attribution
    phrases = {family.name: family.phrases for family in manifest.families}
    assert phrases == {"drywall joint": ("drywall joint", "joint"), "crack": ("crack", "Fuge")}
    report = done.data_report
    assert report is not None
    note = report.data.notes["annotation_broken"]
    assert (note.count, note.used, report.data.left_out) == (1, False, 2)
    assert note.examples[0].startswith(f"0/{BROKEN}")
    assert report.data.notes["not_unpacked"].examples[0].startswith(f"0/{UNPACKED}: ")
    joints = [one for one in report.data.counts if one.family == "drywall joint"]
    assert sum(one.photos for one in joints) == 8  # the first family that fits a class has it
    leaks = report.leaks["crack"]
    assert (leaks.any, leaks.scene) == (0, leaks.photos)


def test_what_leaks_is_told_of_one_that_fails_too(service, dataset_id, monkeypatch):
    def crash(*_, **__):
        raise ValueError("no such layer")

    monkeypatch.setattr(jobs, "fit", crash)
    report = ordered(service, dataset_id).data_report
    assert report is not None
    leaks = report.leaks["crack"]
    assert (leaks.photos, leaks.any, leaks.looks) == (4, 1, 1)
    assert leaks.examples == [f"valid-0.jpg is of {LEAK}"]


def test_without_a_photo_it_tells_why(service, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "lone.xml").write_text("<annotation>")
    done = ordered(service, given_dataset(service.engine, service.store, zipped(tmp_path / "empty")))
    assert (done.state, done.code) == ("failed", Code.TRAINING_PHOTOS_MISSING)
    assert done.data_report is not None
    assert (done.data_report.data.photos, done.data_report.data.left_out) == (0, 2)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({}, "families"),
        ({"families": {"crack": {"classes": ["*"], "phrases": ["a"], "evaluated": ["a"]}}}, "'crack' is not"),
        ({"families": {"rust": {"classes": ["*"], "phrases": ["rust"], "evaluated": ["rust"]}}}, "'rust' is"),
    ],
)
def test_classes_that_cannot_be_used_fail_it_before_anything_is_fetched(
    service, dataset_id, monkeypatch, classes, said
):
    monkeypatch.setattr(jobs, "fetch_dataset", None)
    done = ordered(service, dataset_id, classes=classes)
    assert (done.state, done.code, done.data_report) == ("failed", Code.CLASSES_INVALID, None)
    assert said in (done.detail or "")
