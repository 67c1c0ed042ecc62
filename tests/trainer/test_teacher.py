import pytest
import torch
from accelerate import Accelerator

from tests.trainer.small import Notes, small_recipe
from tests.trainer.test_train import Squares, equal, run, weights
from trainer.network import open_network
from trainer.recipe import Recipe, Stage, Teacher
from trainer.settle import settled
from trainer.teacher import FILE, Lessons
from trainer.unet import UNet
from trainer.watch import TrainingCancelled
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError


def taught_recipe(steps: int = 3, lessons: int = 4, **changes: object) -> Recipe:
    stage = Stage(steps=lessons, size=32, batch=2, zoom=(0.5, 1.0))
    teacher = Teacher(stages=(stage,), widths=(8, 16), warmup_steps=1, **changes)
    return small_recipe(steps=steps, teacher=teacher)


def saved(work):
    return torch.load(work / FILE, weights_only=True)


class Stops(Notes):
    """Cancels after so many steps of the teacher."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def cancelled(self) -> bool:
        return len(self.cached) >= self._after


@pytest.mark.parametrize("side", [32, 40, 45])
def test_a_unet_gives_a_map_of_the_frames_size(side):
    with torch.no_grad():
        assert UNet(2, (8, 16, 24))(torch.zeros(3, 3, side, side)).shape == (3, 2, side, side)


def test_truths_move_towards_the_teachers_maps_by_the_share_of_it():
    unet = UNet(2, (8, 16))
    unet.maps.load_state_dict(  # cracks everywhere, seams nowhere
        {"weight": torch.zeros(8, 8, 1, 1), "bias": torch.tensor([40.0] * 4 + [-40.0] * 4)}
    )
    network = open_network(small_recipe(), None)
    teacher = taught_recipe(truth_share=0.8).teacher
    assert teacher is not None
    lessons = Lessons(unet, teacher, network, {"crack": 0, "seam": 1}, Accelerator(cpu=True))
    images, truth = torch.zeros(1, 32, 32, 3, dtype=torch.uint8), torch.full((1, 4, 32, 32), 0.5)
    truth[0, 3] = 0
    mixed, _ = lessons.told(images, truth, [("seam", "a cat", "crack", "crack")])
    assert torch.allclose(mixed[0, :, 0, 0], torch.tensor([0.1, 0.5, 0.9, 0.0]))
    assert float(truth.amax()) == 0.5


def test_a_teacher_learns_before_the_model_and_says_so(tmp_path, photos):
    _, notes, moved = run(taught_recipe(), photos, None, tmp_path)
    assert notes.cached == [(step, 4) for step in range(1, 5)]
    assert len(notes.losses) == 3
    assert saved(tmp_path)["step"] == 4
    assert moved


def test_what_the_teacher_tells_changes_what_the_model_learns(tmp_path, photos):
    alone, _, _ = run(taught_recipe(truth_share=0.0), photos, None, tmp_path / "alone")
    taught, _, _ = run(taught_recipe(truth_share=0.9), photos, None, tmp_path / "taught")
    none, _, _ = run(small_recipe(steps=3), photos, None, tmp_path / "none")
    assert equal(weights(alone), weights(none))
    assert not equal(weights(taught), weights(alone))


@pytest.mark.parametrize("after", [1, 3])
def test_a_teacher_that_was_stopped_goes_on_to_the_same_weights(tmp_path, photos, after):
    whole, _, _ = run(taught_recipe(), photos, None, tmp_path / "whole")
    stopping = Stops(after)
    with pytest.raises(TrainingCancelled):
        run(taught_recipe(), photos, None, tmp_path / "stopped", stopping)
    assert saved(tmp_path / "stopped")["step"] == after
    assert stopping.saves
    again, notes, _ = run(taught_recipe(), photos, None, tmp_path / "stopped", processes=1)
    assert notes.cached[0] == (after + 1, 4)
    for part in ("model", "average"):
        assert equal(saved(tmp_path / "stopped")[part], saved(tmp_path / "whole")[part])
    assert equal(weights(again), weights(whole))


def test_a_run_that_goes_on_asks_the_teacher_that_is_there(tmp_path, photos):
    run(taught_recipe(steps=2), photos, None, tmp_path)
    before = (tmp_path / FILE).stat().st_mtime_ns
    _, notes, _ = run(taught_recipe(steps=4), photos, None, tmp_path)
    assert not notes.cached
    assert (tmp_path / FILE).stat().st_mtime_ns == before


def test_a_teacher_learns_what_is_there_and_is_judged_once(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("trainer.teacher.Frames", Squares)
    recipe = taught_recipe(steps=1, lessons=40, learning_rate=0.01, average_decay=0.8)
    progress, notes, _ = run(recipe, photos, None, tmp_path)
    assert len(notes.taught_ious) == 1
    _, notes, _ = run(recipe, photos, None, tmp_path)
    assert not notes.taught_ious

    unet, batch = UNet(2, (8, 16)).eval(), Squares([], recipe, [], {})[5]
    unet.load_state_dict(saved(tmp_path)["average"])
    with torch.no_grad():
        found = unet(progress.network.normalised(torch.from_numpy(batch.images)))[:, 0].sigmoid().numpy()
    assert found[batch.truth[:, 0] == 1].mean() > 0.4
    assert found[batch.truth[:, 0] == 0].mean() < 0.1


def test_a_teacher_that_diverges_ends_the_run(tmp_path, photos):
    with pytest.raises(TrainingError, match="the teacher's step") as raised:
        run(taught_recipe(learning_rate=1e30, lessons=9), photos, None, tmp_path)
    assert raised.value.code is Code.TRAINING_DIVERGED


def test_a_teacher_draws_on_no_photos_that_there_are_none_of(photos):
    recipe = settled(taught_recipe(), photos, open_network(taught_recipe(), None).spec)
    assert recipe.teacher is not None
    assert recipe.teacher.stages[0].sources == recipe.stages[0].sources


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "decoder"}, "teaches a scratch recipe's model"),
        ({"teacher": {"stages": [{"size": 32, "batch": 2, "zoom": [0.5, 1.0]}]}}, "a teacher has steps"),
        ({"teacher": {"stages": []}}, "at least 1 item"),
        (
            {
                "teacher": {
                    "stages": [{"steps": 1, "size": 32, "batch": 2, "zoom": [1, 1]}],
                    "widths": [12, 8],
                }
            },
            "8",
        ),
    ],
)
def test_a_teacher_that_cannot_teach_is_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        Recipe.model_validate(taught_recipe().model_dump() | changes)
