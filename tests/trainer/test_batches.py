import multiprocessing
import os
import random
import signal
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from transformers import CLIPTokenizer

from tests.trainer.data import document, object_xml, write_data, write_image, write_photo
from tests.trainer.data.test_corrected import put_mask
from tests.trainer.small import small_recipe
from trainer.batches import Frames, batches
from trainer.data import read_samples
from trainer.photo_frames import PhotoFrames
from trainer.phrases import FAMILIES, OTHER_THINGS, WrongPhrases, plain_words
from trainer.recipe import Sources
from trainer.settle import drawable
from wallscan.models import starter_bundle

SOURCES = ("crack", "drywall_joint", "pasted_crack", "pasted_joint")


@pytest.fixture(scope="module")
def words():
    return plain_words(CLIPTokenizer.from_pretrained(starter_bundle()))


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return read_samples([write_data(tmp_path_factory.mktemp("data"))])[0]


def drawn_by(samples, recipe, words):
    return Frames(samples, drawable(recipe, samples), words)


def only(source):
    return Sources(**{name: float(name == source) for name in Sources.model_fields})


def test_each_frame_asks_for_a_phrase_of_what_is_there_and_for_something_else(samples, words):
    frames = drawn_by(samples, small_recipe(steps=30), words)
    present, families = 0, {phrase: name for name, phrases in FAMILIES.items() for phrase in phrases}
    for step in range(30):
        batch = frames[step]
        assert batch.truth.shape == (2, 2, 32, 32)
        assert 0 <= batch.truth.min() <= batch.truth.max() <= 1
        for truth, (first, second) in zip(batch.truth, batch.prompts, strict=True):
            assert families[first] != families.get(second)
            assert second in families or not truth[1].any()
            present += bool(truth[0].any())
    assert present > 40


def test_a_batch_depends_on_seed_and_step_alone(samples, words):
    recipe = small_recipe(steps=4)
    here = list(batches(drawn_by(samples, recipe, words), range(4), 0))
    there = list(batches(drawn_by(samples, recipe, words), range(1, 4), 2))
    other = drawn_by(samples, small_recipe(steps=4, seed=8), words)[2]
    assert len(there) == 3
    for one, two in zip(here[1:], there, strict=True):
        assert (one.images == two.images).all()
        assert (one.truth == two.truth).all()
        assert (one.prompts, one.corner) == (two.prompts, two.corner)
    assert (other.images != here[2].images).any()


def test_no_photo_has_a_second_scene_before_all_have_had_one(samples, words, monkeypatch):
    drawn = []
    crop = PhotoFrames._crop

    def noted(self, kind, sample, *more):
        drawn.append(sample.image)
        return crop(self, kind, sample, *more)

    monkeypatch.setattr(PhotoFrames, "_crop", noted)
    stage = small_recipe().stages[0].model_copy(update={"sources": only("crack")})
    recipe = small_recipe(stages=(stage,), variants=2, mosaic_share=0.3)
    frames, cracks = drawn_by(samples, recipe, words), sum("crack" in one.families for one in samples)
    scenes = [frames.scene(number)[0] for number in range(2 * len(samples))]
    in_order = list(drawn)
    for first in range(0, len(in_order) - cracks + 1, cracks):
        assert len(set(in_order[first : first + cracks])) == cracks
    assert in_order[:cracks] != in_order[cracks : 2 * cracks], "each time in another order"
    again = drawn_by(samples, recipe, words)
    assert (again.scene(9)[0] == scenes[9]).all(), "one that goes on draws the same"


def test_processes_that_draw_take_no_notice_of_ctrl_c_even_while_they_start(samples, words):
    recipe, others = small_recipe(steps=4), set(multiprocessing.active_children())
    drawn = batches(drawn_by(samples, recipe, words), range(4), 2)
    workers = set(multiprocessing.active_children()) - others
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker.pid or 0, signal.SIGINT)
    next(drawn)
    for worker in workers:
        os.kill(worker.pid or 0, signal.SIGINT)
    assert len(list(drawn)) == 3


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_while_they_are_started_is_not_lost(samples, words, monkeypatch):
    def interrupted(*_):
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        return iter(())

    monkeypatch.setattr("trainer.batches.DataLoader.__iter__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        batches(drawn_by(samples, small_recipe(), words), range(4), 2)


@pytest.mark.parametrize("source", SOURCES)
def test_photo_frames_carry_both_families_truths(samples, source):
    photos = PhotoFrames(samples, mosaic_share=0.3, turn_share=0.5, anywhere_share=0.2)
    found = {"crack": 0, "drywall joint": 0}
    for seed in range(20):
        image, truths = photos.draw(source, 64, (0.5, 1.0), random.Random(seed))
        assert image.shape == (64, 64, 3)
        assert {mask.shape for mask in truths.values()} == {(64, 64)}
        for family, mask in truths.items():
            found[family] += bool(mask.any())
    assert found["crack" if "crack" in source else "drywall joint"] >= 15
    if not source.startswith("pasted"):
        assert min(found.values()) == 0


def test_of_what_is_unsettled_no_frame_is_asked(samples, words):
    """Neither frames of photos nor what is pasted or kept for the cached recipe."""
    cracks = [one for one in samples if "crack" in one.families]
    unsettled = [replace(one, unsettled=frozenset({"drywall joint"})) for one in cracks]
    photos = PhotoFrames(unsettled, mosaic_share=0.5, turn_share=0.5, anywhere_share=0.2)
    for seed in range(20):
        _, truths = photos.draw("crack", 64, (0.5, 1.0), random.Random(seed))
        assert list(truths) == ["crack"]
    stage = small_recipe().stages[0].model_copy(update={"sources": only("crack")})
    frames = drawn_by(unsettled, small_recipe(stages=(stage,), other_family_share=1.0), words)
    for number in range(6):
        _, masks, known = frames.scene(number)
        _, asked = frames.ask(masks, known, random.Random(number))
        assert list(known) == [True, False]
        for prompts in (asked, *frames[number].prompts):
            assert not set(prompts) & set(FAMILIES["drywall joint"])


def test_a_mosaic_keeps_all_that_its_photos_show(tmp_path):
    objects = object_xml("crack", box=(8, 8, 24, 24)) + object_xml("drywall-join", box=(30, 8, 60, 60))
    write_photo(tmp_path, "both", document(objects))
    photos = PhotoFrames(read_samples([tmp_path])[0], mosaic_share=1.0, turn_share=0.0, anywhere_share=0.2)
    _, truths = photos.draw("crack", 64, (1.0, 1.0), random.Random(1))
    assert truths["drywall joint"].any()


def test_a_turned_joint_keeps_an_upright_box_round_its_line(tmp_path):
    image = np.full((320, 320, 3), 200, np.uint8)
    cv2.line(image, (150, 0), (170, 320), (160, 0, 0), 3)
    box = object_xml("drywall-join", box=(144, 0, 176, 320))
    path = write_photo(tmp_path, "seam", document(box, 320), 320)
    cv2.imwrite(str(path), image)
    photos = PhotoFrames(read_samples([tmp_path])[0], mosaic_share=0.0, turn_share=1.0, anywhere_share=0.2)
    checked = 0
    for seed in range(30):
        frame, truths = photos.draw("drywall_joint", 320, (1.0, 1.0), random.Random(seed))
        mask = truths["drywall joint"] > 0
        rows, columns = np.nonzero(mask)
        if not len(rows):
            continue
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        line = frame[..., 2].astype(int) - frame[..., 0] > 60  # the line is blue
        assert mask[line].mean() > 0.95
        checked += 1
    assert checked > 25


def test_what_cached_asks_is_known_beforehand(samples, words):
    recipe = small_recipe(kind="cached", steps=20)
    frames, again = drawn_by(samples, recipe, words), drawn_by(samples, recipe, words)
    asked = set()
    for number in range(20):
        _, masks, known = frames.scene(number)
        asked |= set(frames.ask(masks, known, random.Random(number))[1])
    assert asked <= set(frames.few_prompts)
    assert frames.few_prompts == again.few_prompts
    assert len(set(frames.few_prompts)) > 300


def test_wrong_prompts_are_many_and_name_no_family(words):
    rng = random.Random(0)
    wrong = {WrongPhrases(words, FAMILIES).draw(rng) for _ in range(500)}
    assert not wrong & {phrase for phrases in FAMILIES.values() for phrase in phrases}
    assert len(wrong) > 150


def test_what_a_user_calls_a_crack_is_no_wrong_prompt(words):
    own = {"crack": ("crack", "Hole", "peeling  paint", "garden"), "drywall joint": ("drywall joint",)}
    assert {"hole", "peeling paint"} <= set(OTHER_THINGS)
    assert "garden" in words
    rng = random.Random(0)
    wrong = [WrongPhrases([*words[:5], "garden"], own).draw(rng) for _ in range(2000)]
    assert not {"hole", "peeling paint", "garden"} & set(wrong)
    assert not any("garden" in phrase for phrase in wrong)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A grey photo on which both families were looked for."""
    root = tmp_path_factory.mktemp("clean")
    write_image(root / "1.jpg")
    for prompt in FAMILIES:
        put_mask(root, "1.jpg", prompt, np.zeros((64, 64), np.uint8))
    return read_samples([root])[0]


def test_every_source_of_frames_is_drawn(samples, clean, words):
    for source in Sources.model_fields:
        stage = small_recipe(steps=2).stages[0].model_copy(update={"sources": only(source)})
        frames = drawn_by([*samples, *clean], small_recipe(stages=(stage,)), words)
        assert frames[0].images.shape == (2, 32, 32, 3)


def test_clean_photos_are_asked_for_what_they_lack(clean, words):
    stage = small_recipe(steps=9).stages[0].model_copy(update={"sources": only("clean")})
    frames = drawn_by(clean, small_recipe(stages=(stage,), other_family_share=1.0), words)
    asked = {phrase for number in range(9) for row in frames[number].prompts for phrase in row}
    assert asked <= {phrase for phrases in FAMILIES.values() for phrase in phrases}
    assert not any(frames[number].truth.any() for number in range(9))


def test_sources_without_photos_are_not_drawn_and_change_nothing(samples, words):
    recipe = small_recipe(steps=6)
    (stage,) = recipe.stages
    none = stage.model_copy(update={"sources": stage.sources.model_copy(update={"clean": 0.0})})
    without = recipe.model_copy(update={"stages": (none,)})
    for number in range(6):
        one, other = (drawn_by(samples, each, words)[number] for each in (recipe, without))
        assert (one.images == other.images).all()
        assert (one.prompts, one.corner) == (other.prompts, other.corner)
