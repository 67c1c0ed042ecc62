"""What a published bundle holds and says; what is fitted has tests of its own."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.models.bundles import write_tiny_bundle
from tests.trainer.small import small_recipe
from trainer import publish as module
from trainer.card_pictures import MAX_BYTES
from trainer.data import digest_of, read_photos
from trainer.network import open_network
from trainer.origin import (
    ATTRIBUTION_FILE,
    MAY_HOLD_JUDGES,
    MOST_LINES,
    ROBOFLOW_FILE,
    TOKENIZER,
    VOUCHED,
    Origin,
    attributions,
    learnt_before,
)
from trainer.publish import publish, put_in_place
from wallscan.domain.codes import Code
from wallscan.domain.errors import BundleError, TrainingError
from wallscan.models import bundle_digest, check_files, from_model_folder, read_manifest
from wallscan.models.files import CARD, CURVES, DECODER, LEARNT, write_manifest
from wallscan.segment.bundle import check_bundle

DOUBT = f"what test/mine had learnt from: {MAY_HOLD_JUDGES}"
pytestmark = pytest.mark.usefixtures("few_walls")


@pytest.fixture(scope="module")
def named(base, tmp_path_factory):
    """The plain base as a bundle that has a licence and somebody to name."""
    folder = tmp_path_factory.mktemp("named") / "base"
    manifest = from_model_folder(base, folder, name="house/base", licence="CC0-1.0")
    return folder, manifest


def published(out, photos, base, kind="decoder", **options):
    recipe = small_recipe(kind=kind, image_size=48)
    network = open_network(recipe, base)
    return publish(
        network.clipseg.eval(), network.tokenizer, recipe, photos, out, "test/mine", base, **options
    )


def test_a_manifest_says_where_the_weights_come_from(tmp_path, photos, base):
    (tmp_path / CURVES).write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    origin = Origin("CIDAS/clipseg-rd64-refined", "Apache-2.0", ("Photos: a house",))
    manifest = published(tmp_path / "out", photos, base, origin=origin, curves=tmp_path / CURVES)
    assert manifest == check_files(tmp_path / "out")
    assert manifest.base is not None
    assert manifest.base.startswith("CIDAS/clipseg-rd64-refined@")
    assert (manifest.licence, manifest.attribution) == ("Apache-2.0", ("Photos: a house", TOKENIZER))
    assert (manifest.data_digest, manifest.seed) == (photos.digest(), 7)
    assert manifest.recipe["kind"] == "decoder"
    assert set(manifest.made_with or {}) == {"python", "torch", "transformers", "wallscan"}
    assert set(manifest.metrics) >= {"held_out", "valid", "gates"}
    assert {family.name for family in manifest.families} == {"crack", "drywall joint"}
    assert any("photos that show: crack" in line for line in manifest.data)
    assert manifest.delta_of is None  # a plain folder has no digest that a delta could name


@pytest.mark.parametrize(
    ("learnt", "same_held_out", "same_learnt", "doubtful"),
    [
        ((), False, False, False),
        ((f"{VOUCHED}: 8",), False, False, False),
        (("photos",), True, True, False),
        (("photos",), False, True, True),
        (("photos",), True, False, True),
        ((DOUBT,), True, True, True),
    ],
)
def test_a_base_that_may_know_the_photos_that_judge_is_told(
    tmp_path, photos, learnt, same_held_out, same_learnt, doubtful
):
    facts = write_tiny_bundle(tmp_path / "base").model_dump(mode="json", exclude={"files"})
    digests = {
        "held_out_digest": digest_of(photos.held_out if same_held_out else photos.held_out[1:]),
        "data_digest": photos.digest() if same_learnt else replace(photos, train=photos.train[1:]).digest(),
    }
    write_manifest(tmp_path / "base", facts | {"data": learnt} | digests)
    assert bool(learnt_before(tmp_path / "base", photos)) is doubtful


def test_the_card_has_curves_and_good_and_bad_samples(tmp_path, photos, base):
    curves = tmp_path / "drawn.png"
    Image.new("RGB", (90, 36), "white").save(curves)
    manifest = published(tmp_path / "out", photos, base, curves=curves)
    pictures = {file.name: file.size_bytes for file in manifest.files if file.name.endswith(".png")}
    assert set(pictures) == {CURVES, "samples-crack.png", "samples-drywall-joint.png"}
    assert max(pictures.values()) <= MAX_BYTES
    card = (tmp_path / "out" / CARD).read_text()
    assert all(f"]({name})" in card for name in pictures)
    assert "test/mine" in card
    with Image.open(tmp_path / "out" / "samples-crack.png") as sheet:
        assert sheet.width > 500


def test_a_decoder_over_a_bundle_is_published_alone(tmp_path, photos, named):
    base, base_manifest = named
    manifest = published(tmp_path / "delta", photos, base)
    assert {file.name for file in manifest.files if not file.name.endswith(".png")} == {DECODER, CARD, LEARNT}
    assert manifest.delta_of is not None
    assert manifest.delta_of.digest == bundle_digest(base_manifest)
    assert manifest.base == f"house/base@{bundle_digest(base_manifest)}"
    assert manifest.licence == "CC0-1.0"
    with pytest.raises(BundleError) as missing:
        check_bundle(tmp_path / "delta")
    assert missing.value.code is Code.BUNDLE_BASE_MISSING
    shutil.copytree(base, tmp_path / "any name")
    assert check_bundle(tmp_path / "delta").manifest == manifest
    others = replace(photos, held_out=photos.held_out[1:])
    again = published(tmp_path / "second", others, tmp_path / "delta")
    assert DOUBT not in manifest.data
    assert DOUBT in again.data, "the base may have learnt from them"
    assert again.delta_of == manifest.delta_of  # a decoder trained on from a decoder completes the same base
    assert again.base == f"test/mine@{bundle_digest(manifest)}"


def test_a_bundle_takes_the_place_of_none_that_it_is_based_on(tmp_path, photos, named):
    base, delta = tmp_path / "base", tmp_path / "delta"
    shutil.copytree(named[0], base)
    published(delta, photos, base)
    for start, out in ((base, base), (delta, base), (delta, delta)):
        with pytest.raises(TrainingError) as refused:
            published(out, photos, start)
        assert refused.value.code is Code.OUTPUT_TAKEN
    assert check_files(base) == named[1]
    assert check_bundle(delta)


def test_where_the_encoder_learned_all_is_published(tmp_path, photos, named):
    manifest = published(tmp_path / "out", photos, named[0], kind="full")
    assert manifest.delta_of is None
    assert "model.safetensors" in {file.name for file in manifest.files}


def test_a_data_set_says_who_is_to_be_named(tmp_path, data):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        shutil.copytree(data, folder)
    (first / ATTRIBUTION_FILE).write_text("'walls' by somebody, CC BY 4.0\n\nand another\n")
    (second / ROBOFLOW_FILE).write_text("# joints > 2024\nhttps://example.org/joints\n\nLicense: CC BY 4.0\n")
    found = attributions(read_photos([first, second], 0.3, 7)[0])
    assert sorted(found) == [
        "'walls' by somebody, CC BY 4.0",
        "and another",
        "joints > 2024, https://example.org/joints, License: CC BY 4.0",
    ]


def test_whoever_is_named_above_the_data_is_not_theirs_to_name(tmp_path, data):
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / ATTRIBUTION_FILE).write_text("somebody else")
    photos = read_photos([tmp_path / "data"], 0.3, 7)[0]
    assert attributions(photos) == []
    (tmp_path / "data" / ATTRIBUTION_FILE).write_text("'walls' by somebody")
    assert attributions(photos) == ["'walls' by somebody"]


def test_what_a_data_set_tells_is_printable_and_not_endless(tmp_path, data):
    shutil.copytree(data, tmp_path / "data")
    lines = ["\x1b[2J \u202e", "x" * 5000, *(f"source {number}" for number in range(200))]
    (tmp_path / "data" / ATTRIBUTION_FILE).write_text("\n".join(lines))
    found = attributions(read_photos([tmp_path / "data"], 0.3, 7)[0])
    assert found[:3] == [r"\x1b[2J \u202e", "x" * 300, "source 0"]
    assert found[MOST_LINES:] == ["102 more sources, named in the data sets"]


def test_nothing_but_a_bundle_is_replaced_and_that_as_a_whole(tmp_path, photos, base, monkeypatch):
    out = tmp_path / "out"
    first = published(out, photos, base)
    (out / "left over").write_text("of an older version")
    monkeypatch.setattr(module, "write_pictures", lambda *_: [])
    second = published(out, photos, base, origin=Origin(licence="MIT"))
    assert check_files(out) == second != first
    monkeypatch.setattr(module, "summary", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        published(out, photos, base)
    assert read_manifest(out) == second
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    with pytest.raises(TrainingError) as refused:
        published(tmp_path / "letters", photos, base)
    assert refused.value.code is Code.OUTPUT_TAKEN


def bundle_of(folder, word):
    folder.mkdir(parents=True)
    (folder / "card").write_text(word)
    return folder


def test_what_is_replaced_stays_until_the_new_one_is_there_and_comes_back_if_it_never_is(
    tmp_path, monkeypatch
):
    out = bundle_of(tmp_path / "out", "old")
    built = bundle_of(tmp_path / "scratch" / "bundle", "new")
    rename, kept = Path.rename, list[str]()

    def fails(path, target):
        if path == built:
            kept.extend(found.read_text() for found in tmp_path.rglob("card"))
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fails)
        with pytest.raises(KeyboardInterrupt):
            put_in_place(built, out)
    assert sorted(kept) == ["new", "old"]  # all that a process killed just then leaves
    assert (out / "card").read_text() == "old"
    put_in_place(built, out)
    assert (out / "card").read_text() == "new"
