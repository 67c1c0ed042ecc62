"""Rows and tables of photos whose every score is known."""

import numpy as np
import pytest

from tests.trainer.evaluation.scene import SIDE, KnowingEngine, box, write_sample
from trainer.evaluation.document import document
from trainer.evaluation.judge import Questions, judge
from trainer.evaluation.metrics import Overlap
from trainer.evaluation.phrasing import phrasings
from trainer.evaluation.pictures import write_sheets
from trainer.evaluation.silence import false_alarms, wrong_prompts
from trainer.evaluation.tables import honest_table, report_table, summary
from trainer.evaluation.ways import FlipAveraged

ASKED = Questions(
    {"crack": ("crack", "cracks", "rift"), "drywall joint": ("drywall joint",)},
    "a cat",
    squares_of=("crack",),
)
CRACK = {"crack": (box(40, 40, 59, 44),)}
JOINT = {"drywall joint": (box(10, 30, 69, 37),)}


@pytest.fixture
def samples(tmp_path):
    return [
        write_sample(tmp_path, "cracked", CRACK),
        write_sample(tmp_path, "jointed", JOINT),
        write_sample(tmp_path, "clean", {"crack": ()}),
        write_sample(tmp_path, "both", CRACK | JOINT),
    ]


def test_photos_of_one_name_and_group_keep_their_own_labels_on_the_sheets(tmp_path):
    engine, sheets = KnowingEngine(), {}
    for groups in (("one", "one"), ("one", "other")):
        pair = []
        for shapes, group in zip((CRACK, JOINT), groups, strict=True):
            folder = tmp_path / next(iter(shapes))
            folder.mkdir(exist_ok=True)
            pair.append(write_sample(folder, "IMG_1", shapes, group))
        paths = write_sheets(engine, pair, judge(engine, pair).judged, tmp_path / "-".join(groups))
        sheets[groups] = {family: path.read_bytes() for family, path in paths.items()}
    alike, apart = sheets.values()
    assert alike == apart


def test_a_model_that_knows_everything_scores_full_marks(samples):
    verdict = judge(KnowingEngine(), samples, ASKED)
    rows = [(one.image, one.family) for one in verdict.judged]
    assert rows == [
        ("cracked.png", "crack"), ("jointed.png", "drywall joint"), ("clean.png", "crack"),
        ("both.png", "crack"), ("both.png", "drywall joint"),
    ]  # fmt: skip
    assert all(one.scores["raw"].overlap.iou == 1.0 for one in verdict.judged)
    assert all(one.cross_entropy == pytest.approx(-np.log(0.9), rel=1e-3) for one in verdict.judged)
    assert not any(one.fired("raw") for one in verdict.negatives)
    everything = honest_table(verdict)["all"]
    assert everything["photos"] == 5
    assert {value["mean"] for value in everything["raw"].values()} == {1.0}


def test_what_is_not_there_is_asked_for_once_a_phrase(samples):
    verdict = judge(KnowingEngine(), samples, ASKED)
    asked = {
        name: [one.prompt for one in verdict.negatives if one.image == name and one.square is None]
        for name in ("cracked.png", "jointed.png", "clean.png", "both.png")
    }
    assert asked == {
        "cracked.png": ["drywall joint", "a cat"],
        "jointed.png": ["crack", "cracks", "rift", "a cat"],
        "clean.png": ["crack", "cracks", "rift", "drywall joint", "a cat"],
        "both.png": ["a cat"],
    }


def test_of_what_is_unsettled_a_photo_says_nothing(tmp_path):
    sample = write_sample(tmp_path, "unsettled", JOINT, unsettled=frozenset({"crack"}))
    verdict = judge(KnowingEngine(), [sample], ASKED)
    assert [one.family for one in verdict.judged] == ["drywall joint"]
    assert [one.prompt for one in verdict.negatives] == ["a cat"]


def test_each_photo_is_encoded_once_and_each_square_once(samples):
    engine = KnowingEngine()
    verdict = judge(engine, samples, ASKED)
    squares = [one for one in verdict.negatives if one.square is not None]
    assert engine.encoded == len(samples) + len(squares)
    assert {one.image for one in squares if not one.has_family} == {"jointed.png", "clean.png"}
    plain = KnowingEngine()
    judge(plain, samples)
    assert plain.encoded == len(samples)


def test_a_prompt_that_always_fires_is_counted_wherever_it_is_wrong(samples):
    verdict = judge(KnowingEngine(fires_on=("crack",)), samples, ASKED)
    wrong = wrong_prompts(verdict)
    assert wrong["crack"]["raw"]["mean"] == 1.0
    assert wrong["crack"]["asked"] == 2
    assert wrong["drywall joint"]["raw"]["mean"] == 0.0
    assert wrong["all"]["asked"] == 4
    assert wrong["all"]["raw"]["mean"] == 0.5
    assert wrong["unrelated"] == wrong["unrelated"] | {"asked": 4, "photos": 4}
    assert wrong["by_phrase"]["crack"]["raw"] == 1.0
    assert wrong["by_phrase"]["cracks"]["raw"] == 0.0
    assert false_alarms(verdict)["crack"]["all"]["raw"]["mean"] == 1.0
    honest = honest_table(verdict)["crack"]
    assert honest["negatives"] == 2
    assert honest["raw"]["specificity"]["mean"] == 0.0
    assert honest["raw"]["pixel_specificity"]["mean"] == pytest.approx(1 - 256 / SIDE**2, abs=1e-4)


def test_the_presence_gate_silences_the_pipelines_alone(samples):
    verdict = judge(KnowingEngine(fires_on=("crack",), presence=0.95), samples, ASKED)
    alarms = false_alarms(verdict)["crack"]["all"]
    assert (alarms["raw"]["mean"], alarms["founding"]["mean"]) == (1.0, 0.0)
    table = report_table(verdict)["crack"]["against_raw"]["founding"]
    # The gate costs both cracks, and wins the photo on which there is none.
    assert (table["win"], table["tie"], table["loss"]) == (1, 0, 2)


def test_phrasings_show_the_word_that_fails(samples):
    table = phrasings(judge(KnowingEngine(), samples, ASKED))["crack"]
    assert table["photo_iou"] == {"crack": 1.0, "cracks": 1.0, "rift": pytest.approx(1 / 3, abs=1e-4)}
    assert (table["worst"], table["best"]) == ("rift", "crack")
    assert table["worst_minus_best"]["mean"] == pytest.approx(-2 / 3, abs=1e-4)


def test_half_a_find_is_counted_by_hand(tmp_path):
    sample = write_sample(tmp_path, "half", {"crack": (box(40, 40, 59, 43),)})

    class HalfEngine(KnowingEngine):
        def probabilities(self, image, prompts):
            maps = super().probabilities(image, prompts)
            maps[:, :, 50:] = 0.1
            return maps

    verdict = judge(HalfEngine(), [sample], ASKED)
    (row,) = verdict.judged
    assert row.scores["raw"].overlap == Overlap(intersection=40, predicted=40, actual=80, pixels=SIDE**2)
    report = report_table(verdict)["crack"]["raw"]
    assert report["photo_iou"] == {"mean": 0.5, "sd": 0.0}
    assert report["dice"]["mean"] == pytest.approx(2 / 3, abs=1e-4)
    assert report["pixel_accuracy"]["mean"] == pytest.approx(1 - 40 / SIDE**2, abs=1e-4)
    assert honest_table(verdict)["crack"]["raw"]["centre_line_iou"]["mean"] == pytest.approx(0.5, abs=0.1)


def test_pooling_counts_pixels_and_means_count_photos(samples):
    class FiringEngine(KnowingEngine):
        def probabilities(self, image, prompts):
            maps = super().probabilities(image, prompts)
            return np.full_like(maps, 0.9) if not (image > 100).any() else maps

    judged = judge(FiringEngine(), [samples[0], samples[2]], ASKED)
    numbers = summary(judged)["crack"]["raw"]
    assert numbers["mean_iou"] == 0.5
    assert numbers["pooled_iou"] == pytest.approx(100 / (100 + SIDE**2), abs=1e-4)


def test_a_photo_that_cannot_be_read_is_named_and_the_others_go_on(samples):
    samples[1].image.write_bytes(b"no picture")
    found = document(judge(KnowingEngine(), samples, ASKED), ASKED)
    (left_out,) = found["left_out"]
    assert left_out.startswith("cannot decode jointed.png: ")
    assert {row["image"] for row in found["photos"]} == {"cracked.png", "clean.png", "both.png"}


def test_without_negatives_there_is_no_rate_and_no_crash(samples):
    verdict = judge(KnowingEngine(), samples[3:], Questions({"crack": ("crack",)}))
    found = document(verdict, Questions({"crack": ("crack",)}))
    assert "specificity" not in found["honest"]["all"]["raw"]
    assert set(found["wrong_prompts"]) == {"unrelated", "by_phrase"}
    assert found["false_alarms"] == {}


def test_flip_averaging_treats_left_and_right_alike():
    class LeftEngine(KnowingEngine):
        def probabilities(self, image, prompts):
            answer = np.zeros((len(prompts), 4, 4), np.float32)
            answer[:, :, 0] = image[0, 0, 0] / 255
            return answer

    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 0], image[:, -1] = 51, 102
    averaged = FlipAveraged(LeftEngine()).probabilities(image, ("crack",))
    assert averaged[0, 0].tolist() == pytest.approx([0.1, 0, 0, 0.2])
