import math
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.small import Notes, small_recipe
from trainer import train as train_module
from trainer.batches import Batch
from trainer.checkpoint import BEST, LAST
from trainer.commands.train import read_recipe
from trainer.data import read_photos
from trainer.journal import EVENTS, LOG, SAMPLES
from trainer.network import open_network
from trainer.settle import settled
from trainer.train import loss_of, train
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.files import CURVES

ROOT = Path(__file__).parents[2]
TRAINED = """
import sys
from pathlib import Path

import torch

from tests.trainer.small import small_recipe
from tests.trainer.test_train import run
from trainer.data import read_photos

data, base, work = map(Path, sys.argv[1:4])
torch.set_num_threads(1)
photos, _ = read_photos([data], 0.3, 7)
run(small_recipe(steps=3, kind="decoder"), photos, base, work, processes=int(sys.argv[4]))
"""
FINE_TUNES = ("full", "decoder", "cached")
# As they have been since fresh models hold line filters.
FIRST_LOSSES = (0.68192816, 0.66940159, 0.65047121, 0.62878144, 0.61628020)


def run(recipe, photos, base, work, notes=None, processes=0, activations=None):
    network = open_network(recipe, base)
    before = {name: value.clone() for name, value in network.clipseg.named_parameters()}
    notes = notes or Notes()
    recipe = settled(recipe, photos, network.spec)
    progress = train(recipe, network, photos, work, notes, processes, activations)
    moved = {
        name for name, value in network.clipseg.named_parameters() if not torch.equal(value, before[name])
    }
    return progress, notes, moved


def weights(progress):
    return {name: value.detach().clone() for name, value in progress.network.named_parameters()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


class Squares:
    """Stands in for `Frames`: bright squares on dark noise, which no change of rendering touches."""

    def __init__(self, samples, recipe, words, phrases):
        pass

    def __getitem__(self, number):
        rng = np.random.default_rng(number)
        images = rng.integers(0, 80, (2, 32, 32, 3), dtype=np.uint8)
        truth = np.zeros((2, 2, 32, 32), np.float32)
        images[:, 8:20, 4 + number : 16 + number] += 150
        truth[:, 0, 8:20, 4 + number : 16 + number] = 1
        return Batch(images, truth, (("crack", "a cat"), ("wall crack", "window")), (0.3, 0.9))


def test_the_first_losses_from_nothing_stay_what_they_are(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("trainer.train.Frames", Squares)
    _, notes, _ = run(small_recipe(steps=5), photos, None, tmp_path)
    assert notes.losses == pytest.approx(FIRST_LOSSES, rel=1e-4)


@pytest.mark.parametrize("kind", FINE_TUNES)
def test_what_a_recipe_says_learns_and_nothing_else(tmp_path, photos, base, kind):
    _, notes, moved = run(small_recipe(steps=4, kind=kind, variants=2), photos, base, tmp_path)
    assert any(name.startswith("decoder.") for name in moved)
    assert all(name.startswith(("decoder.", "clip.vision_model.")) for name in moved)
    encoder = {name for name in moved if "vision_model" in name}
    assert bool(encoder) == (kind == "full")
    assert all(map(math.isfinite, notes.losses))
    if kind == "full":
        for part in (
            "embeddings.patch_embedding",
            "embeddings.position",
            "layers.0.self_attn",
            "layers.2.mlp",
        ):
            assert any(part in name for name in encoder), part
        assert not any("layers.3" in name for name in encoder)  # no decoder reads it


def test_transformers_own_forward_gives_the_encoder_no_gradient(base):
    network = open_network(small_recipe(kind="full"), base)
    tokens = network.tokenizer(["crack"], return_tensors="pt")
    out = network.clipseg(**tokens, pixel_values=torch.randn(1, 3, 48, 48), labels=torch.zeros(1, 48, 48))
    out.loss.backward()
    assert all(parameter.grad is None for parameter in network.clipseg.clip.parameters())
    assert any(parameter.grad is not None for parameter in network.clipseg.decoder.parameters())


@pytest.mark.parametrize("kind", ["scratch", *FINE_TUNES])
def test_a_cancelled_run_goes_on_and_ends_with_the_same_weights(tmp_path, photos, base, kind):
    recipe = small_recipe(steps=7, kind=kind, variants=2, accumulate=2, checkpoint_every=3)
    start = None if kind == "scratch" else base
    whole, all_notes, _ = run(recipe, photos, start, tmp_path / "whole")
    _, first, _ = run(recipe, photos, start, tmp_path / "parted", Notes(cancel_at=5))
    parted, second, _ = run(recipe, photos, start, tmp_path / "parted")
    assert first.losses + second.losses == all_notes.losses
    assert equal(weights(whole), weights(parted))
    assert equal(whole.average, parted.average)
    best = [torch.load(tmp_path / work / BEST, weights_only=True) for work in ("whole", "parted")]
    assert best[0]["step"] == best[1]["step"]
    assert equal(best[0]["model"], best[1]["model"])


def test_a_run_goes_on_with_its_folders_in_another_order(tmp_path, data, base):
    one = shutil.copytree(data, tmp_path / "one")
    for path in sorted(one.glob("*/train/train-[12].*")):
        other = tmp_path / "other" / path.relative_to(one)
        other.parent.mkdir(parents=True, exist_ok=True)
        path.rename(other)
    roots = [one, tmp_path / "other"]
    photos, swapped = (read_photos(order, 0.3, 7)[0] for order in (roots, roots[::-1]))
    recipe = small_recipe(steps=4, kind="decoder")
    whole, _, _ = run(recipe, photos, base, tmp_path / "whole")
    run(recipe, photos, base, tmp_path / "parted", Notes(cancel_at=2))
    parted, _, _ = run(recipe, swapped, base, tmp_path / "parted")
    assert equal(weights(whole), weights(parted))


def test_frames_drawn_by_other_processes_change_nothing(tmp_path, data, base):
    # In processes of their own: a loader's workers are started from one that has not seen other tests.
    for processes in ("0", "2"):
        given = map(str, (data, base, tmp_path / processes, processes))
        subprocess.run([sys.executable, "-c", TRAINED, *given], cwd=ROOT, check=True)
    here, there = (torch.load(tmp_path / work / LAST, weights_only=True) for work in ("0", "2"))
    assert here["step"] == there["step"] == 3
    assert equal(here["model"], there["model"])


def test_a_run_that_learns_no_more_ends_early(tmp_path, photos, base):
    recipe = small_recipe(
        steps=40, kind="decoder", learning_rate=0.0, patience=2, epoch_steps=3, average_decay=0.0
    )
    progress, notes, _ = run(recipe, photos, base, tmp_path)
    assert [epoch.step for epoch in notes.epochs] == [3, 6, 9]
    assert progress.ended(recipe)
    again, notes, _ = run(recipe, photos, base, tmp_path)
    assert (again.step, notes.losses) == (9, [])


def test_epochs_count_photos_and_their_losses_are_means(tmp_path, photos, base):
    recipe = small_recipe(kind="decoder", epochs=2, accumulate=2)
    progress, notes, _ = run(recipe, photos, base, tmp_path)
    per_epoch = math.ceil(len(photos.train) / 4)
    assert [epoch.step for epoch in notes.epochs] == [per_epoch, 2 * per_epoch]
    assert notes.epochs[0].train_loss == pytest.approx(sum(notes.losses[:per_epoch]) / per_epoch)
    assert 0 <= notes.epochs[1].valid_iou <= 1
    assert progress.epochs == notes.epochs


def test_a_run_leaves_curves_pictures_events_and_a_log(tmp_path, photos, base):
    run(small_recipe(steps=4, kind="decoder"), photos, base, tmp_path)
    assert (tmp_path / CURVES).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / SAMPLES / "epoch-0001.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / LOG).read_text().splitlines()) == 1
    assert list((tmp_path / EVENTS).glob("events.out.tfevents.*"))
    assert not list(tmp_path.glob("*.new"))


def test_a_run_that_is_ended_from_outside_closes_its_journal(tmp_path, photos, base, monkeypatch):
    def ended(_):
        raise InterruptedError

    monkeypatch.setattr(Notes, "cancelled", ended)
    before = set(threading.enumerate())
    with pytest.raises(InterruptedError):
        run(small_recipe(steps=4, kind="decoder"), photos, base, tmp_path)
    assert set(threading.enumerate()) <= before  # an open one has a thread that writes


class Overflowing:
    """A step's loss, or its gradients alone, become infinite in one step."""

    def __init__(self, monkeypatch, step, recipe, in_gradients):
        self._loss_of, self._call = train_module.loss_of, 0
        self._first, self._in_gradients = step * recipe.accumulate, in_gradients
        monkeypatch.setattr(train_module, "loss_of", self)

    def __call__(self, learner, *given):
        loss = self._loss_of(learner, *given)
        if self._call == self._first:
            parameter = next(one for one in learner.parameters() if one.requires_grad)
            none = torch.sqrt((parameter - parameter.detach()).square().sum())  # 0, with a gradient of NaN
            loss = loss + none if self._in_gradients else loss * math.inf
        self._call += 1
        return loss


@pytest.mark.parametrize("in_gradients", [False, True])
def test_a_step_that_is_not_finite_ends_the_run_and_leaves_what_was_good(
    tmp_path, photos, base, monkeypatch, in_gradients
):
    recipe = small_recipe(steps=8, kind="decoder", epoch_steps=2, checkpoint_every=1)
    whole, _, _ = run(recipe, photos, base, tmp_path / "whole")
    with monkeypatch.context() as patch:
        Overflowing(patch, 5, recipe, in_gradients)
        with pytest.raises(TrainingError, match="step 6 has a loss of") as diverged:
            run(recipe, photos, base, tmp_path / "diverged")
    assert diverged.value.code is Code.TRAINING_DIVERGED
    assert "python -m trainer bundle --best" in diverged.value.detail
    last, best = (torch.load(tmp_path / "diverged" / name, weights_only=True) for name in (LAST, BEST))
    assert last["step"] == 5
    assert best["step"] in {2, 4}
    for values in (last["model"], last["average"], best["model"]):
        assert all(value.isfinite().all() for value in values.values())
    again, _, _ = run(recipe, photos, base, tmp_path / "diverged")
    assert equal(weights(whole), weights(again))


def test_one_that_diverges_in_its_first_epoch_has_nothing_to_publish(tmp_path, photos, base, monkeypatch):
    recipe = small_recipe(steps=4, kind="decoder", accumulate=2)
    Overflowing(monkeypatch, 0, recipe, in_gradients=False)
    with pytest.raises(TrainingError, match="no epoch has ended"):
        run(recipe, photos, base, tmp_path)
    assert not (tmp_path / LAST).exists()


class Answers(torch.nn.Module):
    """Answers the same maps whatever it is asked."""

    def __init__(self):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.linspace(-3, 3, 2 * 2 * 32 * 32).reshape(2, 2, 32, 32))

    def forward(self, *_):
        return self.logits


def test_bce_alone_is_the_plain_mean_over_maps_that_are_empty_and_maps_that_are_not():
    batch, learner = Squares(None, None, None, None)[0], Answers()
    truth = torch.from_numpy(batch.truth)
    assert not truth[:, 1].any()
    plain = torch.nn.functional.binary_cross_entropy_with_logits(learner.logits, truth)
    alone = small_recipe(loss="bce", dice_weight=3.0, empty_weight=0.1)
    assert loss_of(learner, batch, 0.5, alone).item() == pytest.approx(plain.item(), rel=1e-6)
    weighed = small_recipe(dice_weight=0.0)
    assert loss_of(learner, batch, 0.0, weighed) < 0.9 * plain, "empty maps weigh half"
    assert read_recipe("decoder", ("loss=bce",)).loss == "bce"
    assert read_recipe("decoder", ()).loss == "bce+dice"


def test_a_folder_of_a_run_with_other_weights_is_refused(tmp_path, photos, base):
    run(small_recipe(steps=2, kind="decoder"), photos, base, tmp_path)
    with pytest.raises(TrainingError) as refusal:
        run(small_recipe(steps=2, kind="full"), photos, base, tmp_path)
    assert refusal.value.code is Code.WORK_FOLDER_TAKEN
    assert torch.load(tmp_path / LAST, weights_only=True)["step"] == 2
